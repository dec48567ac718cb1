package e2e

import (
	"strings"
	"testing"
)

// TestTapeLabels: what is written on a tape stays on its paper, however long the name is and whatever script it is in.
func TestTapeLabels(t *testing.T) {
	listener := operatorOf(t).newListener("lin", nil)
	token := signIn(t, mixtape(t), listener).Access
	const fits = "Late Bus, Window Seat"
	for _, name := range []string{
		fits, "A", "Songs for a Sunday afternoon in the rain with nowhere to be and nobody to call at all", "Donaudampfschifffahrtsgesellschaftskapitänsmützenlieder",
		"深夜のバスと窓際の席と長い長い帰り道の音楽をあつめたテープ", "أغاني منتصف الليل في الحافلة الأخيرة إلى البيت", "Полуночный автобус, место у окна", strings.Repeat("W", 100),
	} {
		api(t, 201, "POST", "/playlists", token, map[string]any{"name": name, "songs": []string{}})
	}
	b := newTab(t)
	b.signIn(listener)
	b.click(id("tab-playlists"))
	b.awaitText("main", "WWWW")
	for _, width := range []int64{320, 390, 1280} {
		b.view(width, 844, 1, "light")
		b.audit("tapes")
		var written int
		b.eval(&written, `document.querySelectorAll(".cassette .marker").length`)
		var off []string
		b.eval(&off, `document.fonts.ready.then(() => [...document.querySelectorAll(".cassette")].flatMap(tape => {
			const at = tape.getBoundingClientRect(), unit = at.width / 340, title = tape.querySelector(".marker"), r = title.getBoundingClientRect();
			const inside = r.left >= at.left + 66 * unit && r.right <= at.left + 304 * unit && r.top >= at.top + 19 * unit && r.bottom <= at.top + 60 * unit;
			const cut = title.scrollWidth > title.clientWidth || title.textContent === `+quote(fits)+` && title.scrollHeight > title.clientHeight + 1;
			return inside && !cut ? [] : [title.textContent];
		}))`)
		if written < 8 || len(off) > 0 {
			t.Errorf("%d px wide: %d tapes are written on, and this leaves the paper: %q", width, written, off)
		}
	}
}

// TestGenreHeart: the mark of the favourite genre is on its button.
func TestGenreHeart(t *testing.T) {
	b := newTab(t)
	b.signIn(operatorOf(t).newListener("gil", nil))
	b.click(id("genre-link"))
	b.click(id("genre-option") + `[data-genre="Synthwave"]`)
	b.see(".genre .icon")
	for _, width := range []int64{320, 390, 1280} {
		b.view(width, 844, 1, "light")
		var on bool
		b.eval(&on, `(() => {
			const heart = document.querySelector(".genre .icon").getBoundingClientRect(), button = document.querySelector(".genre:has(.icon)").getBoundingClientRect();
			const name = document.querySelector(".genre:has(.icon) span").getBoundingClientRect();
			return heart.left >= button.left && heart.right <= button.right && heart.bottom <= button.bottom && (heart.right <= name.left || heart.left >= name.right);
		})()`)
		if !on {
			t.Errorf("%d px wide: the heart is beside the button, or on its name", width)
		}
	}
}
