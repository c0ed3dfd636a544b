/**
 * The proxy that the environment names for a URL, by variables that most programs know.
 *
 * - `https_proxy`, `http_proxy` by the URL's scheme; in capitals as well, the small ones first.
 * - `no_proxy`: names, comma or space between. `*` is all; `example.com` and `.example.com` are the
 *   host and all below it; `10.0.0.0/8`, `fd00::/8` are networks, for hosts given as addresses;
 *   `host:8443` is of one port. A name is not resolved to be compared with a network.
 */
import { BlockList, isIP } from 'node:net'

export type Environment = (name: string) => string | undefined

/** A variable that was found. */
export interface NamedProxy {
  /** "HTTPS_PROXY" */
  readonly variable: string
  /** As it stands there: "http://user:password@proxy:3128", "proxy:3128". */
  readonly value: string
}

/** @returns undefined where the URL is reached without one. */
export function proxyOf(url: URL, environment: Environment): NamedProxy | undefined {
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy'
  const found = variableOf(name, environment)
  if (found === undefined) return undefined
  const rules =
    variableOf('no_proxy', environment)
      ?.value.split(/[\s,]+/)
      .filter(Boolean) ?? []
  return rules.some((rule) => isOf(url, rule.toLowerCase())) ? undefined : found
}

function variableOf(name: string, environment: Environment): NamedProxy | undefined {
  for (const variable of [name, name.toUpperCase()]) {
    const value = environment(variable)?.trim()
    if (value !== undefined && value !== '') return { variable, value }
  }
  return undefined
}

/** The address of a proxy as it may be written; undefined where it is none that we can ask. */
export function parseProxy(text: string): URL | undefined {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  if (url === null || url.protocol !== 'http:' || url.hostname === '') return undefined
  if (!isDecodable(`${url.username}:${url.password}`)) return undefined
  return url.pathname === '/' && url.search === '' && url.hash === '' ? url : undefined
}

function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== undefined
  } catch {
    return false
  }
}

function isOf(url: URL, rule: string): boolean {
  if (rule === '*') return true
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const { name, port } = partsOf(rule)
  if (port !== undefined && port !== portOf(url)) return false
  if (isIP(host) > 0) return isInNetwork(host, name)
  const bare = name.replace(/^\*?\./, '')
  return bare !== '' && (host === bare || host.endsWith(`.${bare}`))
}

/** "host:8443", "[fd00::1]:443", "fd00::1". */
function partsOf(rule: string): { readonly name: string; readonly port: string | undefined } {
  const bracketed = /^\[(.*)\](?::(\d+))?$/.exec(rule)
  if (bracketed !== null) return { name: bracketed[1] ?? '', port: bracketed[2] }
  const plain = /^([^:]*):(\d+)$/.exec(rule)
  return plain === null ? { name: rule, port: undefined } : { name: plain[1] ?? '', port: plain[2] }
}

const portOf = ({ protocol, port }: URL): string =>
  port === '' ? (protocol === 'https:' ? '443' : '80') : port

function isInNetwork(host: string, name: string): boolean {
  const [address = '', bits] = name.split('/')
  const family = isIP(address)
  if (family === 0 || family !== isIP(host)) return false
  const most = family === 4 ? 32 : 128
  const prefix = bits === undefined ? most : Number(bits)
  if (!/^\d+$/.test(bits ?? '0') || prefix > most) return false
  const network = new BlockList()
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  network.addSubnet(address, prefix, kind)
  return network.check(host, kind)
}
