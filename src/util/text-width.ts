/** A text that is wider than this without its end. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let short = "";
  for (const character of text) {
    if (textWidth(`${short}${character}…`) > width) break;
    short += character;
  }
  return `${short}…`;
}

/** Most texts, our own marks included: one column per UTF-16 unit. */
export const NARROW = /^[\u0020-\u02ff\u2010-\u2027\u2190-\u2193\u2713\u2717]*$/;

/** Terminal columns of a text: two for an emoji or an East Asian character, none for joiners and combining marks. */
export function textWidth(text: string): number {
  return NARROW.test(text) ? text.length : widthByCharacter(text);
}

/** A segmenter takes quadratic time, so it gets a long text in pieces: at most one character per piece is miscounted. */
const PIECE = /.{1,1000}/gsu;

let segmenter: Intl.Segmenter | undefined;

/** Counts grapheme clusters: a letter with its accents, a family emoji. Its tools are created on first use. */
function widthByCharacter(text: string): number {
  // Half-width forms are narrow in every script.
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
