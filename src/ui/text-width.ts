/** How many columns of a terminal a text takes: two for an emoji or a character of East Asia, none for what joins others. */
export function textWidth(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const { segment } of characters().segment(text))
    width += WIDE.test(segment) ? 2 : INVISIBLE.test(segment) ? 0 : 1;
  return width;
}

/** Text with spaces behind it, up to that many columns. */
export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - textWidth(text)));
}

/** What nearly all texts consist of, our own marks included, has a column for each unit. */
const NARROW = /^[\u0020-\u02ff\u2010-\u2027\u2190-\u2193\u2713\u2717]*$/;
/** Half-width forms are narrow, whatever script they are of. */
const WIDE =
  /^(?![\uff61-\uffdc])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]|\ufe0f/u;
const INVISIBLE = /^[\p{Cf}\p{Mn}\p{Me}]+$/u;

let segmenter: Intl.Segmenter | undefined;

/** As a person counts them: a letter with its accents is one, and so is a family. Made when first needed, which takes a moment. */
function characters(): Intl.Segmenter {
  segmenter ??= new Intl.Segmenter("en");
  return segmenter;
}
