const MAGIC = Buffer.from("d9d505f920a163d7", "hex");
const SECTOR_BYTES = 512;
const PAGE_BYTES = 4096;

/**
 * A rollback journal of SQLite without pages, of a transaction in several databases that was cut off. Who opens its database
 * finishes it, and deletes the file that it names. https://sqlite.org/fileformat2.html#the_rollback_journal, and readSuperJournal
 * and pager_delsuper of pager.c.
 */
export function hotJournal(superJournal: string): Buffer {
  const name = Buffer.from(superJournal);
  // Number of pages in the journal, nonce, pages of the database before, bytes of a sector and of a page.
  const header = Buffer.concat([MAGIC, uint32(0), uint32(1), uint32(1), uint32(SECTOR_BYTES), uint32(PAGE_BYTES)]);
  const sum = name.reduce((all, byte) => all + byte, 0);
  const lockPage = 0x40000000 / PAGE_BYTES + 1;
  return Buffer.concat([
    header,
    Buffer.alloc(SECTOR_BYTES - header.length),
    uint32(lockPage),
    name,
    uint32(name.length),
    uint32(sum),
    MAGIC,
  ]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
