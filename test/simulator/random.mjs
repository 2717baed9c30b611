/** Numbers that look random and are the same for the same seed and history (sfc32, in 32-bit integers). */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 0;

  /** Starts the numbers of one history. */
  start(seed, history) {
    this.#a = seed | 0;
    this.#b = history | 0;
    this.#c = Math.floor(history / 2 ** 32) | 0;
    this.#counter = 1;
    // Until each bit of the seed has reached each bit of the state.
    for (let i = 0; i < 12; i++) this.bits();
  }

  /** 32 bits, as a signed integer. */
  bits() {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum;
  }

  /** 0 to `count` - 1. */
  below(count) {
    return (this.bits() >>> 0) % count;
  }
}
