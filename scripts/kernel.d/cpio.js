'use strict';

/**
 * Makes an archive in the format of initramfs, with no more than folders and plain files.
 * @param entries names, modes and contents, each folder before what is in it
 */
function cpio(entries) {
  const chunks = [];
  let size = 0;
  const add = (data) => {
    const padding = Buffer.alloc((4 - (data.length % 4)) % 4);
    chunks.push(data, padding);
    size += data.length + padding.length;
  };
  let inode = 1;
  for (const [name, mode, data] of [...entries, ['TRAILER!!!', 0, Buffer.alloc(0)]]) {
    const header = [inode++, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0]
      .map((value) => value.toString(16).padStart(8, '0'))
      .join('');
    add(Buffer.from(`070701${header}${name}\0`));
    add(data);
  }
  // Another archive may follow, and each begins at a multiple of four.
  return Buffer.concat(chunks, size);
}

module.exports = { cpio };
