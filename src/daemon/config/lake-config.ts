import { fileURLToPath } from 'node:url'
import { textForm } from '../../base/config-units.ts'
import { configValue, notBuilt, section, type ValueForm } from '../../base/config-value.ts'

/**
 * The path in "file:./lake", "file:/lake" or "file:///lake"; undefined when there is none.
 *
 * Only the form with three slashes is a URL in full, with escapes; the others hold plain paths.
 */
export function pathOfFileUrl(url: string): string | undefined {
  if (!url.startsWith('file://')) return url.slice('file:'.length)
  try {
    return fileURLToPath(url)
  } catch {
    return undefined
  }
}

/** A folder as a URL; URLs of other storages are part of the grammar, but not built. */
function folderUrl(example: string, unbuilt: readonly string[]): ValueForm<string> {
  const form = textForm({ accepted: `${example}, a folder`, shape: /^file:[^\0]+$/ })
  return {
    ...form,
    read: (given) => {
      if (typeof given === 'string' && unbuilt.some((scheme) => given.startsWith(scheme))) {
        return { kind: 'not-supported' }
      }
      const read = form.read(given)
      if (read.kind === 'value' && pathOfFileUrl(read.value) === undefined) {
        return { kind: 'refused', because: 'is no path on this machine' }
      }
      return read
    },
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
