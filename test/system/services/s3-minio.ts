/** S3 by MinIO: the key space of an object store, and stricter about uploads that are over. */
import { join } from 'node:path'
import { isS3Ready, s3Address, s3Credentials } from './s3-server.ts'
import { portOf, type ServiceKind } from './service-kind.ts'

const moduleVersion = 'v0.0.0-20260212201848-7aac2a2c5b7c'

export const s3Minio: ServiceKind = {
  name: 's3-minio',
  version: moduleVersion.slice(1),
  artifacts: {
    kind: 'go',
    module: 'github.com/minio/minio',
    moduleVersion,
    program: '.',
    binary: 'minio',
  },
  portNames: ['s3'],
  plan: ({ folder, artifactsFolder, ports }) => {
    const { accessKeyId, secretAccessKey } = s3Credentials
    const settings = [
      `MINIO_ROOT_USER=${accessKeyId}`,
      `MINIO_ROOT_PASSWORD=${secretAccessKey}`,
      'MINIO_BROWSER=off',
      // It asks its makers for news otherwise.
      'MINIO_UPDATE=off',
    ]
    const listen = ['--address', `127.0.0.1:${portOf(ports, 's3')}`]
    const program = join(artifactsFolder, 'minio')
    const data = join(folder, 'data')
    return {
      files: [],
      prepare: [],
      processes: [
        {
          name: 'minio',
          // `env` becomes the program: the id is the program's.
          command: ['env', ...settings, program, 'server', '--quiet', ...listen, data],
        },
      ],
    }
  },
  address: s3Address,
  isReady: isS3Ready,
}
