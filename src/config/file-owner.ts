import { statSync } from "node:fs";
import { userInfo } from "node:os";

/** Whether a file belongs to this user, to root, or to whom the working folder does. Windows has no such owners: always. */
export function isOfOneOfUs(file: string, cwd: string): boolean {
  const { uid } = statSync(file);
  return uid === 0 || uid === statSync(cwd).uid || uid === ownUid();
}

/** -1 for a user without an entry. */
function ownUid(): number {
  try {
    return userInfo().uid;
  } catch {
    return -1;
  }
}
