/**
 * A realm of Kerberos on loopback: MIT's KDC as the system has it, and the npm package `kerberos`
 * that the service is tested with.
 *
 * Everything stands in the instance's folder: `krb5.conf`, and keytabs of whom the realm knows.
 * Hosts are taken by the names that they are called, without asking any DNS.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { NpmArtifacts } from './npm-package.ts'
import { portOf, type ServiceKind, type ServicePlace, type ServicePlan } from './service-kind.ts'

const version = '7.0.0'
export const kerberosRealm = 'LAKEWARD.TEST'

/** Whom the realm knows, by their keytab in the folder of the instance. */
const kerberosKeytabs = {
  'client.keytab': ['lakeward', 'etl'],
  'http.keytab': ['HTTP/localhost'],
  'hive.keytab': ['hive/localhost'],
} as const

export type KerberosKeytab = keyof typeof kerberosKeytabs

const artifacts: NpmArtifacts = {
  kind: 'npm',
  name: 'kerberos',
  packageVersion: version,
  needs: {
    '/usr/sbin/krb5kdc': 'krb5-kdc',
    '/usr/sbin/kdb5_util': 'krb5-kdc',
    '/usr/sbin/kadmin.local': 'krb5-admin-server',
    '/usr/include/gssapi/gssapi.h': 'libkrb5-dev',
  },
}

/** Where the package of a fetched service is loaded from. */
export const kerberosModules = (artifactsFolder: string): string =>
  join(artifactsFolder, 'node_modules')

const configText = (port: number): string => `[libdefaults]
  default_realm = ${kerberosRealm}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
  ${kerberosRealm} = {
    kdc = 127.0.0.1:${port}
  }
`

const kdcText = (folder: string, port: number): string => `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  ${kerberosRealm} = {
    database_name = ${join(folder, 'principals')}
    key_stash_file = ${join(folder, 'stash')}
    max_life = 1h
  }
`

function realmText(folder: string): string {
  const keytabs = Object.entries(kerberosKeytabs).flatMap(([file, principals]) =>
    principals.flatMap((principal) => [
      `kadmin.local -q 'addprinc -randkey ${principal}'`,
      `kadmin.local -q 'ktadd -k ${join(folder, file)} ${principal}'`,
    ]),
  )
  return [
    'set -e',
    `export KRB5_CONFIG=${join(folder, 'krb5.conf')}`,
    `export KRB5_KDC_PROFILE=${join(folder, 'kdc.conf')}`,
    'PATH=$PATH:/usr/sbin',
    `kdb5_util create -s -r ${kerberosRealm} -P of-a-test`,
    ...keytabs,
    `touch ${join(folder, 'made')}`,
    '',
  ].join('\n')
}

/** The realm alone, for services that stand in one. Its port is `kdc`. */
export function realmPlan({ folder, ports }: Pick<ServicePlace, 'folder' | 'ports'>): ServicePlan {
  const port = portOf(ports, 'kdc')
  return {
    files: [
      { path: join(folder, 'krb5.conf'), text: configText(port) },
      { path: join(folder, 'kdc.conf'), text: kdcText(folder, port) },
      { path: join(folder, 'realm.sh'), text: realmText(folder) },
    ],
    prepare: [{ command: ['sh', join(folder, 'realm.sh')], makes: join(folder, 'made') }],
    processes: [
      {
        name: 'kdc',
        command: [
          'env',
          `KRB5_CONFIG=${join(folder, 'krb5.conf')}`,
          `KRB5_KDC_PROFILE=${join(folder, 'kdc.conf')}`,
          '/usr/sbin/krb5kdc',
          '-n',
          '-P',
          join(folder, 'kdc.pid'),
        ],
      },
    ],
  }
}

/** Somebody listens on the port: a KDC does when its database is open, and not before. */
export async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } finally {
    socket.destroy()
  }
}

export const kerberos: ServiceKind = {
  name: 'kerberos',
  version,
  artifacts,
  portNames: ['kdc'],
  plan: realmPlan,
  address: (ports) => `127.0.0.1:${portOf(ports, 'kdc')}`,
  isReady: (ports) => isListening(portOf(ports, 'kdc')),
}
