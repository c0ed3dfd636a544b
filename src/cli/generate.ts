/** `npm run generate`: writes the generated files; the last line says which have changed. */
import { writeGeneratedText } from '../adapters/local/generated-text.ts'
import { generatedFiles } from './generated-files.ts'

const written: string[] = []
for (const [path, text] of generatedFiles()) {
  const isNew = await writeGeneratedText(path, text)
  if (isNew) written.push(path)
  process.stdout.write(`${isNew ? 'written  ' : 'unchanged'} ${path}\n`)
}
process.stdout.write(`${JSON.stringify({ written })}\n`)
