import type { FaultTable } from './definition.ts'

/** What can be wrong with configuration and the command line. */
export const configFaults = {
  CONFIG_REFUSED: {
    domain: 'user',
    retry: 'never',
    message: (f: { file: string; problems: readonly string[] }) =>
      `configuration "${f.file}" is refused: ${f.problems.join('; ')}`,
    hint: 'Each problem names its key and what is accepted; docs/config.md lists all keys.',
  },
  CONFIG_UNREADABLE: {
    domain: 'user',
    retry: 'never',
    message: (f: { file: string; reason: string }) => `could not read "${f.file}": ${f.reason}`,
    hint: 'Check the path, which for the configuration is given with -c, and the permissions.',
  },
  CONFIG_SECRET_MISSING: {
    domain: 'user',
    retry: 'never',
    message: (f: { key: string; reference: string; reason: string }) =>
      `secret "${f.reference}" of "${f.key}" cannot be used: ${f.reason}`,
    hint: 'Set the environment variable, or write the secret alone into the file, and start again.',
  },
  KERBEROS_PACKAGE_MISSING: {
    domain: 'user',
    retry: 'never',
    message: (f: { key: string; reason: string }) =>
      `"${f.key}" needs the npm package kerberos, which cannot be loaded: ${f.reason}`,
    hint: 'Run "npm install kerberos@7.0.0"; it may need a C++ compiler and headers of libkrb5.',
  },
  COMMAND_REFUSED: {
    domain: 'user',
    retry: 'never',
    message: (f: { command: string; reason: string }) => `lakeward ${f.command}: ${f.reason}`,
    hint: 'Run "lakeward --help" for the commands, and a command with --help for what it takes.',
  },
  HTTP_PORT_TAKEN: {
    domain: 'user',
    retry: 'never',
    message: (f: { host: string; port: number; reason: string }) =>
      `the HTTP server cannot listen on "${f.host}:${f.port}": ${f.reason}`,
    hint: 'Stop what listens there, or give http.listen another port; port 0 takes a free one.',
  },
} as const satisfies FaultTable
