import { createECDH } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { openMessage, sealMessage } from './push.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');

describe('the push service of the browser tests', () => {
  test('opens the message of RFC 8291, appendix A, and makes the same bytes of it', () => {
    const browser = createECDH('prime256v1');
    browser.setPrivateKey(bytes('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94'));
    const sender = createECDH('prime256v1');
    sender.setPrivateKey(bytes('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'));
    const auth = bytes('BTBZMqHH6r4Tts7J_aSIgg');
    const message = bytes(
      'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
    );
    expect(openMessage(message, browser, auth).toString()).toBe('When I grow up, I want to be a watermelon');
    expect(
      sealMessage(
        Buffer.from('When I grow up, I want to be a watermelon'),
        sender,
        browser.getPublicKey(),
        auth,
        message.subarray(0, 16),
      ),
    ).toEqual(message);
  });
  test('a message with one bit changed is not opened', () => {
    const [browser, sender] = [createECDH('prime256v1'), createECDH('prime256v1')];
    browser.generateKeys();
    sender.generateKeys();
    const sealed = sealMessage(
      Buffer.from('hello'),
      sender,
      browser.getPublicKey(),
      Buffer.alloc(16, 7),
      Buffer.alloc(16, 9),
    );
    expect(openMessage(sealed, browser, Buffer.alloc(16, 7)).toString()).toBe('hello');
    sealed.writeUInt8(sealed.readUInt8(sealed.length - 20) ^ 1, sealed.length - 20);
    expect(() => openMessage(sealed, browser, Buffer.alloc(16, 7))).toThrow('unable to authenticate');
  });
});
