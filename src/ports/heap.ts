/** The process's own garbage. */
export interface Heap {
  /** To be called after a commit, when much of what there was is garbage: collects it if due. */
  afterCommit(): void
}
