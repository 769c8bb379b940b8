const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
/** Where nobody watches a terminal, a step that takes this long says so once. */
const LONG_STEP_MS = 10_000;

/**
 * A line per step with its time. On a terminal one more line shows what is at work now; elsewhere lines are plain.
 * Steps may run side by side.
 */
export class Progress {
  /** @type {Map<string, number>} */
  #working = new Map();
  #frame = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #stream;
  #live;
  #ending = false;

  /** @param {NodeJS.WriteStream} stream */
  constructor(stream = process.stdout) {
    this.#stream = stream;
    this.#live = stream.isTTY === true;
  }

  /**
   * Does a piece of work as a step; its outcome passes through.
   *
   * @template T
   * @param {string} name
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async step(name, work) {
    const started = performance.now();
    this.#begin(name, started);
    const long = setTimeout(() => this.#live || this.line(`… ${name}`), LONG_STEP_MS);
    try {
      const outcome = await work();
      this.#end(name, `${this.#colour(32, '✔')} ${name.padEnd(44)} ${seconds(started)}`);
      return outcome;
    } catch (error) {
      this.#end(name, this.#ending ? undefined : `${this.#colour(31, '✖')} ${name.padEnd(44)} ${seconds(started)}`);
      throw error;
    } finally {
      clearTimeout(long);
    }
  }

  /** From now on steps that fail do so because all is being stopped, and say nothing. */
  ending() {
    this.#ending = true;
  }

  /**
   * A line of its own.
   *
   * @param {string} text
   */
  line(text) {
    this.#clear();
    this.#stream.write(`${text}\n`);
    this.#draw();
  }

  /**
   * @param {string} name
   * @param {number} started
   */
  #begin(name, started) {
    this.#working.set(name, started);
    if (!this.#live) return;
    this.#timer ??= setInterval(() => this.#draw(), FRAME_MS);
    this.#draw();
  }

  /**
   * @param {string} name
   * @param {string} [text]
   */
  #end(name, text) {
    this.#working.delete(name);
    if (text !== undefined) this.line(text);
    if (this.#working.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #draw() {
    if (!this.#live || this.#working.size === 0) return;
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const oldest = Math.min(...this.#working.values());
    const text = `${FRAMES[this.#frame]} ${[...this.#working.keys()].join(', ')} … ${seconds(oldest).trim()}`;
    this.#clear();
    this.#stream.write(text.slice(0, (this.#stream.columns ?? 80) - 1));
  }

  #clear() {
    if (this.#live) this.#stream.write('\r\x1b[2K');
  }

  /**
   * @param {number} code
   * @param {string} text
   */
  #colour(code, text) {
    return this.#live && process.env['NO_COLOR'] === undefined ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

/** @param {number} started */
function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s`;
}
