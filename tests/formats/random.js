// Random numbers in [0, 1), the same for the same seed everywhere: xorshift32.
'use strict';

module.exports = (seed) => {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
};
