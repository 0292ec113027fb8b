/**
 * Makes stars.bin.gz out of d3-celestial's stars.14.json (Hipparcos, 118,216 stars): three columns, sorted by declination.
 * Run by hand from the project root when the package changes: node simulator/data/make-stars.mjs
 * Layout, little-endian: uint32 count; int32 dec × 1e4 degrees [count]; int32 ra × 1e4 degrees [count]; int16 mag × 100 [count].
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const { features } = JSON.parse(readFileSync('node_modules/d3-celestial/data/stars.14.json', 'utf8'));
const stars = features
  .map(({ properties, geometry: { coordinates } }) => ({
    ra: Math.round((((coordinates[0] % 360) + 360) % 360) * 1e4),
    dec: Math.round(coordinates[1] * 1e4),
    mag: Math.round(properties.mag * 100),
  }))
  .sort((a, b) => a.dec - b.dec || a.ra - b.ra);
const bytes = Buffer.alloc(4 + stars.length * 10);
bytes.writeUInt32LE(stars.length, 0);
stars.forEach((star, i) => {
  bytes.writeInt32LE(star.dec, 4 + i * 4);
  bytes.writeInt32LE(star.ra, 4 + (stars.length + i) * 4);
  bytes.writeInt16LE(star.mag, 4 + stars.length * 8 + i * 2);
});
writeFileSync('simulator/data/stars.bin.gz', gzipSync(bytes, { level: 9 }));
