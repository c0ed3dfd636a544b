declare const brand: unique symbol

/** A `Base` that only its own constructor may mint, so that two identifiers cannot be swapped. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name }
