const {webcrypto} = require('webcrypto');
module.exports = {CryptoKey: webcrypto.CryptoKey, SubtleCrypto: webcrypto.SubtleCrypto};
