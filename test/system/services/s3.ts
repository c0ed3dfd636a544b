/** S3 by versitygw: objects are files in a folder, which must be able to hold attributes. */
import { join } from 'node:path'
import { isS3Ready, s3Address, s3Credentials } from './s3-server.ts'
import { portOf, type ServiceKind } from './service-kind.ts'

const version = '1.8.0'
const calmly = ['--quiet', '--keep-alive']

export const s3: ServiceKind = {
  name: 's3',
  version,
  artifacts: {
    kind: 'go',
    module: 'github.com/versity/versitygw',
    moduleVersion: `v${version}`,
    program: './cmd/versitygw',
    binary: 'versitygw',
  },
  portNames: ['s3'],
  plan: ({ folder, artifactsFolder, ports }) => {
    const data = join(folder, 'data')
    const users = join(folder, 'users')
    const listen = ['--port', `127.0.0.1:${portOf(ports, 's3')}`]
    const { accessKeyId, secretAccessKey } = s3Credentials
    const user = ['--access', accessKeyId, '--secret', secretAccessKey]
    const program = join(artifactsFolder, 'versitygw')
    return {
      files: [],
      prepare: [{ command: ['mkdir', '-p', data, users], makes: users }],
      processes: [
        {
          name: 'versitygw',
          command: [program, ...listen, ...user, '--iam-dir', users, ...calmly, 'posix', data],
        },
      ],
    }
  },
  address: s3Address,
  isReady: isS3Ready,
}
