package bench

import (
	"fmt"
	"math/rand/v2"
)

// A shape is a kind of query. indexed are those whose first page an index serves among any number of users; the others are bounded
// by the time limit of searches.
type shape struct {
	name    string
	indexed bool
	query   func(r *rand.Rand) string
	sort    string
}

var genres = []string{"jazz", "rock", "pop", "folk", "metal", "soul", "punk", "house", "techno", "opera"}

func genre(r *rand.Rand) string { return genres[r.IntN(len(genres))] }

// shapes are the 28 shapes over the users of storetest.Crowd: of a million, a city has 1,000, a genre 100,000, a rare value 20, a tag
// 6,000; plays lie evenly from 0 to 100,000.
var shapes = []shape{
	{"equality, 0.1 % of all", true, func(r *rand.Rand) string { return fmt.Sprintf(`user_metadata.home.city:"City %d"`, r.IntN(1000)) }, ""},
	{"equality, 10 %", true, func(r *rand.Rand) string { return "user_metadata.genre:" + genre(r) }, ""},
	{"equality, a few users", true, func(r *rand.Rand) string { return fmt.Sprintf("user_metadata.rare:r%d", r.IntN(50000)) }, ""},
	{"equality in a list", true, func(r *rand.Rand) string { return fmt.Sprintf("user_metadata.tags:t%d", r.IntN(500)) }, ""},
	{"one of three values", true, func(r *rand.Rand) string {
		return fmt.Sprintf("user_metadata.tags:(t%d OR t%d OR t%d)", r.IntN(500), r.IntN(500), r.IntN(500))
	}, ""},
	{"10 % and 0.1 %", true, func(r *rand.Rand) string {
		return fmt.Sprintf(`user_metadata.genre:%s AND user_metadata.home.city:"City %d"`, genre(r), r.IntN(1000))
	}, ""},
	{"10 % and 20 %", true, func(r *rand.Rand) string {
		return fmt.Sprintf("user_metadata.genre:%s AND app_metadata.plan.level:%d", genre(r), r.IntN(5))
	}, ""},
	{"1 % and 25 %", true, func(*rand.Rand) string { return "app_metadata.plan.beta:true AND user_metadata.lang:fi" }, ""},
	{"equality in a wide order, sorted", true, func(r *rand.Rand) string { return "user_metadata.genre:" + genre(r) }, "email:1"},
	{"range of numbers, 0.5 %", true, func(r *rand.Rand) string {
		n := r.IntN(99000)
		return fmt.Sprintf("user_metadata.plays:[%d TO %d]", n, n+500)
	}, ""},
	{"range of numbers, half of all", true, func(r *rand.Rand) string { return fmt.Sprintf("user_metadata.plays:[%d TO *]", 45000+r.IntN(10000)) }, ""},
	{"range of half and 10 %", true, func(r *rand.Rand) string {
		return fmt.Sprintf("user_metadata.plays:[%d TO *] AND user_metadata.genre:%s", 45000+r.IntN(10000), genre(r))
	}, ""},
	{"range of dates in metadata", true, func(r *rand.Rand) string {
		y := 10 + r.IntN(16)
		return fmt.Sprintf("user_metadata.since:[20%02d-01 TO 20%02d-03]", y, y)
	}, ""},
	{"created_at, a month", true, func(r *rand.Rand) string {
		m := 1 + r.IntN(12)
		return fmt.Sprintf("created_at:[2025-%02d TO 2025-%02d]", m, m)
	}, ""},
	{"prefix in metadata", true, func(r *rand.Rand) string { return fmt.Sprintf(`user_metadata.home.city:City\ %d*`, 10+r.IntN(90)) }, ""},
	{"prefix of the e-mail address", true, func(r *rand.Rand) string { return fmt.Sprintf("email:listener%d*", 100+r.IntN(900)) }, ""},
	{"domain of the e-mail address", true, func(r *rand.Rand) string { return fmt.Sprintf("email.domain:mail%d.example", r.IntN(50)) }, ""},
	{"a word without a field", true, func(r *rand.Rand) string {
		n := r.IntN(10000)
		return fmt.Sprintf("listener%d@mail%d.example", n, n%50)
	}, ""},
	{"a path exists", true, func(*rand.Rand) string { return "_exists_:user_metadata.genre" }, ""},
	{"not 10 %", true, func(r *rand.Rand) string { return "NOT user_metadata.genre:" + genre(r) }, ""},
	{"10 %, not two thirds", true, func(r *rand.Rand) string { return "user_metadata.genre:" + genre(r) + " AND NOT email_verified:true" }, ""},
	{"everybody", true, func(*rand.Rand) string { return "*" }, ""},
	{"two ranges of half each", false, func(*rand.Rand) string { return "user_metadata.plays:[50000 TO *] AND app_metadata.score:[0.5 TO 1]" }, ""},
	{"two values that nobody has both of", false, func(*rand.Rand) string { return "user_metadata.genre:jazz AND user_metadata.genre:rock" }, ""},
	{"a path that nobody lacks", false, func(*rand.Rand) string { return "NOT _exists_:user_metadata.genre" }, ""},
	{"infix with hits", false, func(r *rand.Rand) string { return fmt.Sprintf("name:*ame%d*", 10+r.IntN(90)) }, ""},
	{"infix with few hits", false, func(r *rand.Rand) string { return fmt.Sprintf("email:*%d@mail27*", 1000+r.IntN(9000)) }, ""},
	{"infix without hits", false, func(*rand.Rand) string { return "name:*zzz*" }, ""},
}
