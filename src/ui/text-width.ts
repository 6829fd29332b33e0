/** What nearly all texts consist of, our own marks included, has a column for each unit. */
const NARROW = /^[\u0020-\u02ff\u2010-\u2027\u2190-\u2193\u2713\u2717]*$/;

/** How many columns of a terminal a text takes: two for an emoji or a character of East Asia, none for what joins others. */
export function textWidth(text: string): number {
  return NARROW.test(text) ? text.length : widthByCharacter(text);
}

/** Text with spaces behind it, up to that many columns. */
export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - textWidth(text)));
}

/** A segmenter's time grows with the square of what it is given: a long text is cut up, at most wrong by a character a piece. */
const PIECE = /.{1,1000}/gsu;

let segmenter: Intl.Segmenter | undefined;

/** By what a person counts as one: a letter with its accents, a family. All that it takes is made when it is first needed. */
function widthByCharacter(text: string): number {
  // Half-width forms are narrow, whatever script they are of.
  const wide =
    /^(?![\uff61-\uffdc])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]|\ufe0f/u;
  const invisible = /^[\p{Cf}\p{Mn}\p{Me}]+$/u;
  segmenter ??= new Intl.Segmenter("en");
  let width = 0;
  for (const piece of text.match(PIECE) ?? []) {
    for (const { segment } of segmenter.segment(piece))
      width += wide.test(segment) ? 2 : invisible.test(segment) ? 0 : 1;
  }
  return width;
}
