import { boundFeatures } from './bounds.ts'
import { encodingFeatures } from './encodings.ts'
import type { Feature } from './feature.ts'
import { layoutFeatures } from './layouts.ts'
import { nestingFeatures } from './nesting.ts'
import { scalarFeatures } from './scalars.ts'
import { wellKnownFeatures } from './well-known.ts'

/** Every golden file, in the order of the page. */
export const features: readonly Feature[] = [
  ...scalarFeatures,
  ...nestingFeatures,
  ...wellKnownFeatures,
  ...layoutFeatures,
  ...encodingFeatures,
  ...boundFeatures,
]
