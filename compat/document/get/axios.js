var axios = require("axios").default;
var options = {
method: 'GET',
url: 'https://youraccount.auth0.com/api/v2/users/user_id',
headers: {authorization: 'Bearer YOUR_ID_TOKEN_HERE'}
};
axios.request(options).then(function (response) {
console.log(response.data);
}).catch(function (error) {
console.error(error);
});
