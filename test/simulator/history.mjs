// What may happen in a history, and how one is made of a seed. A step is three integers: what, to which socket, how much.

/** name, how often, what it is called in a replay (`#`: the socket, `%`: the amount) */
const STEPS = [
  ['tick', 30, 'the timer: every guard takes a sample'],
  ['lateTick', 4, 'the timer comes late, after other work of the loop: every guard takes a sample'],
  ['demand', 3, 'somebody asks guard 0, which takes a sample of everything'],
  ['block', 4, 'the event loop is blocked'],
  ['open', 8, '# is opened'],
  ['peerSends', 8, '# gets % bytes from its peer'],
  ['peerEnds', 9, '# gets a FIN from its peer'],
  ['peerResets', 2, '# gets a RST from its peer'],
  ['peerAcks', 3, 'the peer of # acknowledges % bytes'],
  ['probe', 1, 'the peer of # answers a keep-alive probe'],
  ['appReads', 3, '# takes % bytes from the kernel into its buffer'],
  ['appTakes', 3, 'the application takes % bytes from the buffer of #'],
  ['appWrites', 3, 'the application writes % bytes to #'],
  ['appEnds', 2, 'the application ends its sending on #'],
  ['appCloses', 4, 'the application closes #'],
  ['appLoses', 1, 'the application takes the handle off #'],
  ['appGives', 1, 'the application gives # to another process and closes it'],
  ['otherCloses', 1, 'the other process closes #'],
  ['holderKnown', 1, 'it becomes known who holds #'],
  ['pipeIn', 2, '% bytes go from the buffer of # into what it is piped to'],
  ['pipeOut', 2, '% bytes leave what # is piped to'],
  ['pipeCounts', 1, 'what # is piped to counts % bytes that went through'],
  ['sinkAcks', 2, 'the peer behind what # is piped to acknowledges % bytes'],
  ['poison', 1, 'the facts of # throw the next time they are read'],
];

export const STEP = Object.freeze(Object.fromEntries(STEPS.map(([name], code) => [name, code])));
const BAG = Uint8Array.from(STEPS.flatMap(([, weight], code) => Array(weight).fill(code)));

export const SOCKETS = 4;
export const MAX_STEPS = 40;
const FEWEST_STEPS = 5;
/** One in so many is played through the reader of src/sockets and the layers on JS objects, which cost ten times as much. */
const DEEP_EVERY = 40;

/** A history, made to be filled again and again. */
export class History {
  timeoutMs = 0;
  intervalMs = 0;
  maxReported = 0;
  guards = 1;
  /** A rule of `ignore` fits the leaks of one cause. */
  hasRule = false;
  isDeep = false;
  /** Bits for the facts of a diagnosis that no socket has. */
  facts = 0;
  moreFacts = 0;
  length = 0;
  steps = new Int32Array(MAX_STEPS * 3);

  make(random, seed, number) {
    random.start(seed, number);
    this.intervalMs = 100 + 50 * random.below(8);
    this.timeoutMs = Math.floor((this.intervalMs * (1 + random.below(9))) / 2) + random.below(3);
    this.maxReported = [1, 2, 1_000][random.below(3)];
    this.guards = random.below(3) === 0 ? 2 : 1;
    this.hasRule = random.below(6) === 0;
    this.isDeep = number % DEEP_EVERY === 0;
    this.facts = random.bits();
    this.moreFacts = random.bits();
    this.length = 0;
    // On few sockets, more of the steps meet.
    const sockets = 1 << random.below(Math.log2(SOCKETS) + 1);
    this.#add(STEP.open, random.below(sockets), random.bits());
    if (random.below(2) === 0) {
      this.#add(STEP.peerSends, this.steps[1], random.below(160));
      this.#add(STEP.peerEnds, this.steps[1], 0);
    }
    // Few are long.
    const most = FEWEST_STEPS + random.below(MAX_STEPS - FEWEST_STEPS - this.length);
    const count = FEWEST_STEPS + random.below(most - FEWEST_STEPS + 1);
    for (let i = 0; i < count; i++) {
      const bits = random.bits();
      const code = BAG[((bits >>> 0) & 0xffff) % BAG.length];
      this.#add(code, (bits >>> 16) & (sockets - 1), code === STEP.open ? random.bits() : (bits >>> 18) & 0xff);
    }
    return this;
  }

  /** Without the steps from `from` to `to`. */
  without(from, to) {
    const shorter = Object.assign(new History(), this);
    shorter.steps = new Int32Array(this.steps.length);
    shorter.steps.set(this.steps.subarray(0, from * 3));
    shorter.steps.set(this.steps.subarray(to * 3, this.length * 3), from * 3);
    shorter.length = this.length - (to - from);
    return shorter;
  }

  /** A step in words. */
  say(index) {
    const [code, socket, amount] = this.steps.subarray(index * 3, index * 3 + 3);
    return STEPS[code][2].replaceAll('#', `socket ${socket}`).replaceAll('%', amount);
  }

  get settings() {
    const { timeoutMs, intervalMs, maxReported, guards, hasRule, isDeep } = this;
    return `closeWaitTimeout ${timeoutMs}, sampleInterval ${intervalMs}, maxReported ${maxReported}, ${guards} guard${guards === 1 ? '' : 's'}${hasRule ? ', a rule of ignore' : ''}${isDeep ? ', read through the layers' : ''}`;
  }

  #add(code, socket, amount) {
    const at = this.length++ * 3;
    this.steps[at] = code;
    this.steps[at + 1] = socket;
    this.steps[at + 2] = amount;
  }
}

/** The shortest history that `fails` as this one does. */
export function shrink(history, fails) {
  let best = history;
  for (let size = Math.ceil(best.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < best.length;) {
      const shorter = best.without(from, Math.min(best.length, from + size));
      if (fails(shorter)) best = shorter;
      else from += size;
    }
  }
  return best;
}
