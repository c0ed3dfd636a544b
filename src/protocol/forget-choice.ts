/**
 * Whether an operator may give up a staged commit.
 *
 * Invariant: only what is undecided, or cannot be judged, is given up. What is garbage needs no
 * entry; what is decided is wanted, and `forget` of it would be void.
 */

/** What is known of the staging of one commit, in every table it lies in. */
export type StagedAs = 'nothing' | 'garbage' | 'undecided' | 'unpublished' | 'foreign' | 'unjudged'

export type ForgetDecision =
  | { readonly kind: 'forget' }
  /** `because` is for people: a sentence without its full stop. */
  | { readonly kind: 'refuse'; readonly because: string }

const refuse = (because: string): ForgetDecision => ({ kind: 'refuse', because })

export function decideForget(staged: StagedAs): ForgetDecision {
  switch (staged) {
    case 'undecided':
    case 'unjudged':
      return { kind: 'forget' }
    case 'nothing':
      return refuse('nothing is staged for it')
    case 'garbage':
      return refuse('it can never be decided any more, "lakeward gc" removes it')
    case 'unpublished':
      return refuse('it is decided: its files are needed')
    case 'foreign':
      return refuse('it is staged for another pipeline')
  }
}
