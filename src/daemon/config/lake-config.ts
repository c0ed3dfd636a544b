import { textForm } from '../../base/config-units.ts'
import { configValue, notBuilt, section, type ValueForm } from '../../base/config-value.ts'

const fileUrl = /^file:(?:\/\/(?=\/))?([^\0]+)$/

/** The path in a URL such as "file:./lake", "file:/lake" or "file:///lake". */
export function pathOfFileUrl(url: string): string {
  return fileUrl.exec(url)?.[1] ?? url
}

/** A folder as a URL; URLs of other storages are part of the grammar, but not built. */
function folderUrl(example: string, unbuilt: readonly string[]): ValueForm<string> {
  const form = textForm({ accepted: `${example}, a folder`, shape: /^file:(?!\/\/[^/])[^\0]+$/ })
  const isUnbuilt = (given: unknown): boolean =>
    typeof given === 'string' && unbuilt.some((scheme) => given.startsWith(scheme))
  return {
    ...form,
    read: (given) => (isUnbuilt(given) ? { kind: 'not-supported' } : form.read(given)),
  }
}

/** The key `lake.url`. Relative paths start from the folder of the configuration. */
export const lakeUrl = configValue(folderUrl('file:./lake', ['hdfs:', 's3:']))

/** The section `registry`. */
export const registryConfig = section({
  url: configValue(folderUrl('file:./proto', ['hdfs:', 's3:', 'http:', 'https:'])).describe(
    'Folder with .proto files, and with one file for each stream in its folder `streams/`.',
  ),
  poll: notBuilt('How often the registry is looked at while running.'),
})
