import type { ComponentChildren } from "preact";

interface TableProps {
  readonly title: string;
  /** Beside the title. */
  readonly children?: ComponentChildren;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly [key: string | number, ...cells: ComponentChildren[]])[];
  /** Shown where there is no row. */
  readonly empty: ComponentChildren;
}

/** A card with rows of one kind. A long table scrolls by itself. */
export function Table({ title, children, heads, rows, empty }: TableProps) {
  return (
    <div class="card">
      <h2>
        {title} {children}
      </h2>
      {rows.length === 0 ? (
        <div class="faint">{empty}</div>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section class="scroll" aria-label={title} tabIndex={0}>
          <table class={title.toLowerCase()}>
            <thead>
              <tr>
                {heads.map((head) => (
                  <th scope="col" key={head}>
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map(([key, ...cells]) => (
                <tr key={key}>
                  {cells.map((cell, index) => (
                    <td key={heads[index]}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}
