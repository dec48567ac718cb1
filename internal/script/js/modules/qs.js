// What the published url asks of the package qs.
const querystring = require('querystring');
exports.parse = text => querystring.parse(text);
exports.stringify = object => querystring.stringify(object);
