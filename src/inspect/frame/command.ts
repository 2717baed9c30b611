/** What the process ends with. */
export type ExitStatus = number;

/** It looked, and there is nothing wrong. */
export const CLEAN: ExitStatus = 0;
/** It looked, and there are leaks. */
export const LEAKS: ExitStatus = 1;
/** It could not look: the sentence on stderr says why, and which right is missing where it is one. */
export const COULD_NOT_LOOK: ExitStatus = 2;

/** One option of a sub-command. `--help` is every command's and stands in no table. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** What the help calls the value of a string, as in `MS`. */
  readonly value?: string;
  /** One line: what it does, its unit, range and default. */
  readonly help: string;
}

/** What stood on the command line, read by the command's own table of options. */
export interface CommandArguments {
  readonly positionals: readonly string[];
  /** By the option's name; undefined where it was left out. */
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
}

/** Where a command reads from and writes to: nothing in a command touches `process.stdout` and its like itself. */
export interface CommandIo {
  /** The result, and nothing else. Ends in a line feed. */
  readonly out: (text: string) => void;
  /** What is said beside the result. Ends in a line feed. */
  readonly note: (text: string) => void;
  /** Whether stdout is a terminal. */
  readonly isTerminal: boolean;
  /** How wide a line may be; Infinity where stdout is no terminal. */
  readonly columns: number;
  /** Aborted by Ctrl-C, SIGTERM, SIGHUP, and when nobody reads stdout any more. Leave nothing behind, then return or throw. */
  readonly signal: AbortSignal;
  /**
   * What is going on, in a few words: shown on stderr where it lasts longer than a second. On a terminal the line is
   * replaced and taken away again, elsewhere it is one line. Undefined: it is over.
   */
  readonly progress: (text: string | undefined) => void;
  /** Asks on the terminal; undefined where stdin or stderr is none. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}

/** A sub-command: one file of `commands/` each. */
export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What follows the name on the usage line, as in `<pid> [options]`. */
  readonly usage: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** The arguments are another program's: they are handed on as they are. `--help` counts as the first one only. */
  readonly passesOn?: boolean;
  /** The paragraphs of its help between usage and options, in lines of at most 100 characters. */
  help(): string;
  /** @throws CommandError where it cannot look: its sentence is shown, and the exit status is {@link COULD_NOT_LOOK} */
  run(args: CommandArguments, io: CommandIo): Promise<ExitStatus>;
}
