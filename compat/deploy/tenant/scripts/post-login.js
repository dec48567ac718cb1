exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim("https://songs.example/told", true); };
