// The package mysql, which the templates of database scripts also call as a function.
const published = require('npm:mysql@2.18.1')['']();
const mysql = options => published.createConnection(options);
Object.defineProperties(mysql, Object.getOwnPropertyDescriptors(published));
module.exports = mysql;
