/** Why a command could not do what it was asked: one clear sentence, which is all that is shown of it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** A command line that cannot be taken: the sentence names what is wrong and, where there is one, what was meant. */
export class UsageError extends CommandError {}
