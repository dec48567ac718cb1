package oauth

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Quotas of the tokens that clients get in their own name (token_quota; docs/guide/attack-protection.md). What is left is told in headers that SDKs read.

// quotaHeaders are the headers by what a quota is of.
var quotaHeaders = map[string]string{"client": "Auth0-Client-Quota-Limit", "organization": "Auth0-Organization-Quota-Limit"}

// quotaWarnings are the hundredths of a quota that are told in the log when they are reached, the largest first.
var quotaWarnings = []int{100, 80, 60}

// quotasOf are the quotas that hold for the request: those of the client, and of the organization if it asks for one.
func (t *tokenRequest) quotasOf(o *stagedoor.Organization) []store.QuotaUse {
	clients, organizations := t.st.Tenant().Settings.TokenQuotas()
	uses := quotaUses("client", t.client.ID, cmp.Or(t.client.TokenQuota(), clients))
	if o == nil {
		return uses
	}
	return append(uses, quotaUses("organization", o.ID, cmp.Or(o.TokenQuota(), organizations))...)
}

func quotaUses(entity, id string, quota *stagedoor.TokenQuota) (uses []store.QuotaUse) {
	if quota == nil {
		return nil
	}
	for _, of := range []struct {
		bucket string
		most   int
	}{{"per_hour", quota.PerHour}, {"per_day", quota.PerDay}} {
		if of.most > 0 {
			uses = append(uses, store.QuotaUse{Entity: entity, ID: id, Bucket: of.bucket, Most: of.most, Enforced: quota.Enforced})
		}
	}
	return uses
}

// takeQuota counts the token that the client is about to get, or refuses it. Whoever does not give it after all returns it.
func (t *tokenRequest) takeQuota(ctx context.Context, o *stagedoor.Organization) ([]store.QuotaUse, error) {
	uses := t.quotasOf(o)
	if len(uses) == 0 {
		return nil, nil
	}
	taken, err := t.st.TakeQuota(ctx, uses)
	if err != nil {
		return nil, err
	}
	if !taken {
		return nil, t.quotaFull(uses)
	}
	t.tellQuota(uses)
	return uses, nil
}

// returnQuota takes back what takeQuota has counted. That it cannot be done must not hide why.
func (t *tokenRequest) returnQuota(ctx context.Context, uses []store.QuotaUse) {
	if len(uses) == 0 {
		return
	}
	if err := t.st.ReturnQuota(context.WithoutCancel(ctx), uses); err != nil {
		web.Logger(ctx).ErrorContext(ctx, "a token that was not given counts against a quota", "error", err)
		return
	}
	t.tellQuota(uses)
}

// tellQuota tells the client what is left.
func (t *tokenRequest) tellQuota(uses []store.QuotaUse) {
	buckets := map[string][]string{}
	for i := range uses {
		u := &uses[i]
		buckets[u.Entity] = append(buckets[u.Entity], fmt.Sprintf("b=%s;q=%d;r=%d;t=%d", u.Bucket, u.Most, u.Left(), t.untilReset(u)))
	}
	for entity, all := range buckets {
		t.header.Set(quotaHeaders[entity], strings.Join(all, ","))
	}
}

// untilReset is in how many seconds the hour or the day is over.
func (t *tokenRequest) untilReset(u *store.QuotaUse) int {
	return max(int((u.Resets.Sub(t.st.Clock().Now())+999_999_999)/1_000_000_000), 1)
}

// quotaFull is the refusal of a token beyond a quota. Of several that are used up it is the one that lasts longest.
func (t *tokenRequest) quotaFull(uses []store.QuotaUse) error {
	var full *store.QuotaUse
	for i := range uses {
		u := &uses[i]
		if u.Full() && (full == nil || u.Resets.After(full.Resets)) {
			full = u
		}
	}
	for i := range uses {
		uses[i].Used-- // this one was not counted
	}
	t.tellQuota(uses)
	t.header.Set("X-RateLimit-Limit", strconv.Itoa(full.Most))
	t.header.Set("X-RateLimit-Remaining", "0")
	t.header.Set("X-RateLimit-Reset", strconv.FormatInt(full.Resets.Unix(), 10))
	e := stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "%s quota exceeded", strings.ToUpper(full.Entity[:1])+full.Entity[1:])
	e.Extra = map[string]any{web.Patience: t.untilReset(full)}
	return e
}

// warnQuota tells the tenant's log of quotas of which much is used: of each part once, by the token that reaches it.
func (t *tokenRequest) warnQuota(uses []store.QuotaUse) {
	for i := range uses {
		u := &uses[i]
		for _, part := range quotaWarnings {
			if used, reach := int64(u.Used)*100, int64(u.Most)*int64(part); used < reach || used-100 >= reach {
				continue
			}
			t.visit.Log(stagedoor.LogEvent{
				Type: "token_quota_consumption_warning", Description: fmt.Sprintf("%d%% of %s %s quota consumed", part, u.Entity, u.Bucket),
				ClientID: t.client.ID, ClientName: t.client.Name, OrgID: t.event.OrgID, OrgName: t.event.OrgName,
				Details: map[string]any{
					"bucket": u.Bucket, "entity_type": u.Entity, "entity_id": u.ID, "quota": u.Most, "quota_consumption_percentage": part, "quota_consumption": u.Used,
				},
			})
			break
		}
	}
}
