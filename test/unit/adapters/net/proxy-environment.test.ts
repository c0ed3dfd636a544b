import { expect, test } from 'vitest'
import { parseProxy, proxyOf } from '../../../../src/adapters/net/proxy-environment.ts'

const proxy = 'http://proxy:3128'
const named = (url: string, variables: Readonly<Record<string, string>>) =>
  proxyOf(new URL(url), (name) => variables[name])

test('the variable is of the scheme, the one in small letters first', () => {
  const both = { HTTP_PROXY: 'http://plain:1', HTTPS_PROXY: 'http://tunnel:1' }
  expect(named('http://host/', both)).toEqual({ variable: 'HTTP_PROXY', value: 'http://plain:1' })
  expect(named('https://host/', both)?.value).toBe('http://tunnel:1')
  expect(named('https://host/', { ...both, https_proxy: proxy })?.variable).toBe('https_proxy')
  expect(named('https://host/', { HTTP_PROXY: proxy, ALL_PROXY: proxy })).toBeUndefined()
  expect(named('https://host/', { HTTPS_PROXY: ' ' })).toBeUndefined()
})

test.each([
  ['https://host/', '*', false],
  ['https://host/', 'host', false],
  ['https://HOST/', 'hosT', false],
  ['https://host/', 'other host', false],
  ['https://host/', 'other,host,', false],
  ['https://host/', '', true],
  ['https://a.example.com/', 'example.com', false],
  ['https://a.example.com/', '.example.com', false],
  ['https://a.example.com/', '*.example.com', false],
  ['https://example.com/', '.example.com', false],
  ['https://notexample.com/', 'example.com', true],
  ['https://example.com.evil/', 'example.com', true],
  ['https://host/', 'host:443', false],
  ['https://host/', 'host:8443', true],
  ['https://host:8443/', 'host:8443', false],
  ['http://host/', 'host:80', false],
  ['https://10.1.2.3/', '10.1.2.3', false],
  ['https://10.1.2.3/', '10.0.0.0/8', false],
  ['https://11.1.2.3/', '10.0.0.0/8', true],
  ['https://10.1.2.3/', '0.0.0.0/0', false],
  ['https://10.1.2.3/', '10.0.0.0/33', true],
  ['https://10.1.2.3/', '10.0.0.0/x', true],
  ['https://10.1.2.3/', '.3', true],
  ['https://10.1.2.3:8443/', '10.1.2.3:8443', false],
  ['https://[fd00::1]/', 'fd00::/8', false],
  ['https://[fd00::1]/', 'fd00::1', false],
  ['https://[fd00::1]:8443/', '[fd00::1]:8443', false],
  ['https://[fd00::1]/', '[fd00::1]:8443', true],
  ['https://[fe80::1]/', 'fd00::/8', true],
  ['https://10.1.2.3/', 'fd00::/8', true],
  ['https://host/', '10.0.0.0/8', true],
])('%s with no_proxy "%s" goes by the proxy: %s', (url, rules, isProxied) => {
  const found = named(url, { https_proxy: proxy, http_proxy: proxy, NO_PROXY: rules })
  expect(found?.value).toBe(isProxied ? proxy : undefined)
})

test.each([
  ['http://proxy:3128', 'http://proxy:3128/'],
  ['proxy:3128', 'http://proxy:3128/'],
  ['user:pass@proxy:3128', 'http://user:pass@proxy:3128/'],
  ['https://proxy:3128', undefined],
  ['socks5://proxy:1080', undefined],
  ['http://proxy:3128/path', undefined],
  ['http://proxy:x', undefined],
  ['http://', undefined],
  ['http://u:100%@proxy:1', undefined],
])('"%s" as a proxy is %s', (text, wanted) => {
  expect(parseProxy(text)?.href).toBe(wanted)
})
