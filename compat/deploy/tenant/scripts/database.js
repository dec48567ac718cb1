function ask(name, password, callback) { (callback || password)(null, null); }
