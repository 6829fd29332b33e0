import type { Settings, TunnelName } from "./settings.ts";

type Layer = Partial<Settings>;

/**
 * No tunnel, ngrok's and a URL of the user's own exclude one another: what a layer asks for overrules what those below it
 * have for another way. Within one layer nothing is dropped, for there a clash is a mistake.
 */
export function oneWayOut(layers: readonly Layer[]): readonly Layer[] {
  const top = layers.findIndex((layer) => wayOf(layer) !== undefined);
  const way = wayOf(layers[top] ?? {});
  return layers.map((layer, i) => (i <= top || way === undefined ? layer : without(layer, OTHERS[way])));
}

type Way = TunnelName | "publicUrl";

/** What belongs to the other ways. */
const OTHERS: Readonly<Record<Way, readonly (keyof Settings)[]>> = {
  none: ["tunnel", "domain", "publicUrl"],
  ngrok: ["tunnel", "publicUrl"],
  publicUrl: ["tunnel", "domain"],
};

function wayOf({ tunnel, domain, publicUrl }: Layer): Way | undefined {
  if (publicUrl !== undefined) return "publicUrl";
  return tunnel ?? (domain === undefined ? undefined : "ngrok");
}

function without(layer: Layer, keys: readonly string[]): Layer {
  return Object.fromEntries(Object.entries(layer).filter(([key]) => !keys.includes(key)));
}
