"use strict";
// Keeps the compiled code of dist/ between runs, which halves what a short command costs. Node 22 can do that, too, on its
// own way to a file, which is made for any package and takes as long as half of the rest. Nothing of it may fail a run:
// without a folder to write to, or with a file that is damaged, the source is compiled as ever. It runs before all else, so
// it loads no module that it can do without, and the build puts it into dist/ without these words.
const {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require("node:fs");
const { basename, dirname, isAbsolute, join } = require("node:path");

const { argv, env, platform, version, arch, pid } = process;
const USAGE = 2;
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
/** What is smaller is compiled in less than a file takes to open. */
const WORTH_KEEPING_BYTES = 4096;
const BEFORE = "(function (exports, require, module, __filename) {";
const AFTER = "\nthrow module;})";
const COMPARED_BYTES = 65536;
/** What `build.js` begins a file with: a comment that tells its content. */
const CONTENT = /^\/\*([0-9a-f]{16})\*\//;
/** Each has code of its own: that of another command would leave it the most of its own to compile each time. */
const COMMANDS =
  "listen send verify channels webhooks login logout whoami events replay products fixtures types init keygen config completion";
const compiled = [];
const command = COMMANDS.split(" ").includes(argv[2]) ? argv[2] : "none";

/** Of this user and written by nobody else: who can write there can run code as this user. Undefined where there is none. */
function ownFolder() {
  try {
    const named = platform === "win32" ? env.LOCALAPPDATA : env.XDG_CACHE_HOME;
    const caches = named && isAbsolute(named) ? named : join(env.HOME || require("node:os").homedir(), ".cache");
    const isOwn = isAbsolute(caches) && isOfThisUserAlone(existsSync(caches) ? caches : dirname(caches));
    return isOwn ? join(caches, "zoho-hooks", "compiled") : undefined;
  } catch {
    return undefined;
  }
}

/** Not so under sudo, where the home is another's. Windows has no such modes: there the folder is the user's own. */
function isOfThisUserAlone(path) {
  if (platform === "win32") return true;
  const { uid, mode } = statSync(path);
  return uid === process.geteuid() && (mode & 0o022) === 0;
}

/** How a file of dist/ is loaded where its code is kept in a folder. */
function loadCompiled(folder) {
  const { Script } = require("node:vm");

  const compile = (file) => {
    const { source, state } = readSource(file);
    if (source.length < WORTH_KEEPING_BYTES) return new Script(source, { filename: file }).runInThisContext();
    const kept = join(folder, `${command}-${basename(file)}-${state}`);
    const script = new Script(source, { filename: file, cachedData: readTwice(kept) });
    if (script.cachedDataRejected !== false) compiled.push({ script, kept });
    return script.runInThisContext();
  };
  /** At the end of the run, when the functions that it called are compiled too. */
  const keep = () => {
    // A mistyped command has compiled nothing that another run wants.
    if (compiled.length === 0 || process.exitCode === USAGE) return;
    attempt(() => {
      makeFolders(folder);
      for (const { script, kept } of compiled) writeWhole(kept, script.createCachedData());
    });
    // Beside it lies what other versions of Node have left.
    for (const each of [folder, dirname(folder)]) attempt(() => removeOld(each));
  };
  process.once("exit", keep);

  const modules = new Map();
  const load = (file) => {
    const known = modules.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(file, module);
    const requireFrom = (id) => (id.startsWith(".") ? load(join(dirname(file), id)) : require(id));
    try {
      compile(file)(module.exports, requireFrom, module, file);
    } catch (error) {
      if (error !== module) {
        modules.delete(file);
        throw error;
      }
    }
    return module.exports;
  };
  return load;
}

/**
 * A file of dist/ as a function, and what tells that the file is the one that was compiled, since V8 compares the length of
 * the source alone: what the build says of its content and, for a file that was changed by hand, its own time of change. The
 * build writes ASCII.
 *
 * Of a long function that returns V8 makes faster code at once, which takes longer than a file's code, run but once, could
 * ever win: so it does not return.
 */
function readSource(file) {
  const fd = openSync(file);
  try {
    const { size, ino, ctimeMs } = fstatSync(fd);
    const bytes = Buffer.allocUnsafe(BEFORE.length + size + AFTER.length);
    bytes.write(BEFORE, "latin1");
    const length = readSync(fd, bytes, BEFORE.length, size, 0);
    bytes.write(AFTER, BEFORE.length + length, "latin1");
    const source = bytes.toString("latin1", 0, BEFORE.length + length + AFTER.length);
    const [, content = ""] = CONTENT.exec(source.slice(BEFORE.length, BEFORE.length + 20)) ?? [];
    return { source, state: `${content}-${ino}-${ctimeMs}-${size}` };
  } finally {
    closeSync(fd);
  }
}

/**
 * V8 itself runs whatever lies in the cache: a damaged file would end the process, or worse. So the code stands there twice,
 * and is compared; to load what makes a checksum of it would take longer than all else here.
 */
function readTwice(file) {
  let fd;
  try {
    fd = openSync(file);
    const length = fstatSync(fd).size / 2;
    const code = Buffer.allocUnsafeSlow(length);
    if (readSync(fd, code, 0, length, 0) !== length) return undefined;
    const again = Buffer.allocUnsafe(COMPARED_BYTES);
    for (let at = 0; at < length; at += COMPARED_BYTES) {
      const size = Math.min(COMPARED_BYTES, length - at);
      if (readSync(fd, again, 0, size, length + at) !== size) return undefined;
      if (again.compare(code, at, at + size, 0, size) !== 0) return undefined;
    }
    return code;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Whole or not at all: another run may read at this moment. */
function writeWhole(file, code) {
  const unfinished = `${file}.${pid}`;
  try {
    writeFileSync(unfinished, Buffer.concat([code, code]), { mode: 0o600 });
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** One by one: there are places where Node never ends making them all. */
function makeFolders(folder) {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

function removeOld(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    // Another run may be faster.
    attempt(() => {
      if (Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { recursive: true, force: true });
    });
  }
}

/** A read-only or full disk: the next run compiles again. */
function attempt(work) {
  try {
    work();
  } catch {
    // Nothing of it may fail a run.
  }
}

function loader() {
  const folder = env.NODE_DISABLE_COMPILE_CACHE ? undefined : ownFolder();
  return folder === undefined ? require : loadCompiled(join(folder, `${version}-${arch}`));
}

/** Loads a file of dist/ and what it requires. */
exports.load = loader();
