import { editLine } from "./keymap.ts";

interface Question {
  readonly label: string;
  /** Called with the text on Enter, unless it is empty. */
  submit(text: string): void;
}

/** Input on the bottom line, such as `search: jane`. */
export class Prompt {
  #question: Question | undefined;
  #text = "";

  ask(label: string, text: string, submit: Question["submit"]): void {
    this.#question = { label, submit };
    this.#text = text;
  }

  get isOpen(): boolean {
    return this.#question !== undefined;
  }

  /** Label and text; undefined while nothing is asked. */
  get shown(): string | undefined {
    return this.#question && this.#question.label + this.#text;
  }

  onKey(key: string): void {
    const question = this.#question;
    const edited = key === "enter" ? undefined : editLine(this.#text, key);
    if (edited === undefined) this.#question = undefined;
    else this.#text = edited;
    if (key === "enter" && this.#text !== "") question?.submit(this.#text);
  }
}
