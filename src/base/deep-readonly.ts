type Plain = string | number | bigint | boolean | symbol | null | undefined

/** `T` with every property and element readonly, at any depth. Branded plain values stay as is. */
export type DeepReadonly<T> = T extends Plain
  ? T
  : T extends readonly (infer Element)[]
    ? readonly DeepReadonly<Element>[]
    : { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
