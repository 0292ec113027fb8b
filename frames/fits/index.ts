export { FitsError, type FitsErrorCode } from './errors.ts';
export { Header, parseCard, readHeader } from './header.ts';
export { asImage, findImage, firstImage, imageHeader, scanHdus, type ImageHdu } from './hdu.ts';
export { CHUNK_PIXELS, type PixelReader } from './chunk.ts';
export { openPixels } from './pixels.ts';
export { bufferSource, openSource, READ, type ByteSource } from './source.ts';
export { sampleData, type DataSample } from './sample.ts';
