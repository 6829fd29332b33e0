/** Encrypts values for a store. */
export type Seal = Awaited<ReturnType<typeof sealWith>>;

const IV_BYTES = 12;

/**
 * AES-GCM with a key that only an owner of the secret can derive, so that whoever reads the store learns nothing, and what was
 * changed there is ignored. `name`: of the secret, without telling it.
 */
export async function sealWith(secret: string) {
  const [name, material] = await Promise.all([sha256(`name\n${secret}`), sha256(`key\n${secret}`)]);
  const key = await crypto.subtle.importKey("raw", material, "AES-GCM", false, ["encrypt", "decrypt"]);
  return {
    name: Array.from(name.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join(""),
    async close(value: unknown): Promise<string> {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const plain = new TextEncoder().encode(JSON.stringify(value));
      const bytes = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain));
      return btoa(String.fromCharCode(...iv, ...bytes));
    },
    /** Undefined for what cannot be opened. */
    async open(text: string): Promise<unknown> {
      try {
        const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
        const iv = bytes.subarray(0, IV_BYTES);
        const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, bytes.subarray(IV_BYTES));
        return JSON.parse(new TextDecoder().decode(plain));
      } catch {
        return undefined;
      }
    },
  };
}

export async function sha256(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
