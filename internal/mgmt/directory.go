package mgmt

import (
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// directoryStrategies are those whose directory can be read.
var directoryStrategies = []string{"google-apps", "waad"}

// defaultDirectoryMapping is the mapping of a configuration that does not name its own.
var defaultDirectoryMapping = []stagedoor.DirectoryMapping{
	{Attribute: "email", IDP: "primaryEmail"},
	{Attribute: "name", IDP: "name.fullName"},
	{Attribute: "given_name", IDP: "name.givenName"},
	{Attribute: "family_name", IDP: "name.familyName"},
	{Attribute: "picture", IDP: "thumbnailPhotoUrl"},
	{Attribute: "blocked", IDP: "suspended"},
}

// shownDirectory is a configuration as the wire has it; its groups have a list of their own.
type shownDirectory struct {
	ConnectionID             string                       `json:"connection_id"`
	ConnectionName           string                       `json:"connection_name"`
	Strategy                 string                       `json:"strategy"`
	Mapping                  []stagedoor.DirectoryMapping `json:"mapping"`
	SynchronizeAutomatically bool                         `json:"synchronize_automatically"`
	SynchronizeGroups        string                       `json:"synchronize_groups"`
	CreatedAt                string                       `json:"created_at"`
	UpdatedAt                string                       `json:"updated_at"`
}

func showDirectory(conn *stagedoor.Connection, d *stagedoor.DirectoryProvisioning) any {
	return shownDirectory{
		conn.ID, conn.Name, conn.Strategy, d.Mapping, d.SynchronizeAutomatically, d.SynchronizeGroups,
		stagedoor.FormatTime(d.CreatedAt), stagedoor.FormatTime(d.UpdatedAt),
	}
}

type directoryIn struct {
	Mapping                  web.Opt[[]directoryMappingIn] `json:"mapping" schema:"min=1,max=100" doc:"The mapping between Auth0 and IDP user attributes"`
	SynchronizeAutomatically web.Opt[bool]                 `json:"synchronize_automatically" schema:"notnull" doc:"Whether periodic automatic synchronization is enabled"`
	SynchronizeGroups        web.Opt[string]               `json:"synchronize_groups" schema:"notnull,enum=all|off|selected" doc:"Which groups are synchronized"`
}

type directoryMappingIn struct {
	Attribute string `json:"auth0" schema:"required,min=1,max=255"`
	IDP       string `json:"idp" schema:"required,min=1,max=255"`
}

func (in *directoryIn) copyTo(d *stagedoor.DirectoryProvisioning) {
	if in.Mapping.Has() {
		d.Mapping = make([]stagedoor.DirectoryMapping, len(in.Mapping.Value))
		for i, m := range in.Mapping.Value {
			d.Mapping[i] = stagedoor.DirectoryMapping(m)
		}
	}
	in.SynchronizeAutomatically.Into(&d.SynchronizeAutomatically)
	in.SynchronizeGroups.Into(&d.SynchronizeGroups)
}

func (a *API) readDirectory(c *call) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	d, err := store.Directories.Get(c.ctx(), c.store, conn.ID)
	if err != nil {
		return nil, err
	}
	return showDirectory(conn, d), nil
}

func (a *API) createDirectory(c *call, in directoryIn) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(directoryStrategies, conn.Strategy) {
		return nil, bad("operation_not_supported", "Directory provisioning is not supported for connections of strategy "+conn.Strategy+".")
	}
	now := a.Clock.Now()
	d := &stagedoor.DirectoryProvisioning{
		ConnectionID: conn.ID, Mapping: defaultDirectoryMapping, SynchronizeGroups: "off", Groups: []stagedoor.DirectoryGroup{}, CreatedAt: now, UpdatedAt: now,
	}
	in.copyTo(d)
	if err := store.Directories.Create(c.ctx(), c.store, d); err != nil {
		return nil, err
	}
	return showDirectory(conn, d), nil
}

// changeDirectory changes the configuration of the connection that the path names.
func (a *API) changeDirectory(c *call, change func(*stagedoor.DirectoryProvisioning)) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	d, err := store.Directories.Update(c.ctx(), c.store, conn.ID, func(d *stagedoor.DirectoryProvisioning) error {
		change(d)
		d.UpdatedAt = a.Clock.Now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showDirectory(conn, d), nil
}

func (a *API) updateDirectory(c *call, in directoryIn) (any, error) {
	return a.changeDirectory(c, in.copyTo)
}

func (a *API) deleteDirectory(c *call) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	_, err = store.Directories.Delete(c.ctx(), c.store, conn.ID)
	return nil, err
}

func (a *API) directoryDefaultMapping(c *call) (any, error) {
	if _, err := c.connection(); err != nil {
		return nil, err
	}
	return map[string]any{"mapping": defaultDirectoryMapping}, nil
}

func (a *API) listDirectories(c *call, in web.Checkpoint) (any, error) {
	return partsOf(c, in, "directory_provisionings", &store.Directories, func(d *stagedoor.DirectoryProvisioning) string { return d.ConnectionID }, showDirectory)
}

type groupsIn struct {
	Groups []groupIn `json:"groups" schema:"required,max=1000" doc:"The groups to synchronize"`
}

type groupIn struct {
	ID            string          `json:"id" schema:"required,min=1,max=255" doc:"Google Workspace Directory group ID"`
	Name          web.Opt[string] `json:"name" schema:"max=255" doc:"Google Workspace Directory group name"`
	Email         web.Opt[string] `json:"email" schema:"max=320,format=email" doc:"Google Workspace Directory group email"`
	DirectMembers web.Opt[int]    `json:"direct_members_count" schema:"min=0" doc:"Number of direct members of the group"`
}

// list are the groups, each once: as it was named last.
func (in *groupsIn) list() []stagedoor.DirectoryGroup {
	out := []stagedoor.DirectoryGroup{}
	for _, g := range in.Groups {
		group := stagedoor.DirectoryGroup{ID: g.ID, Name: g.Name.Value, Email: g.Email.Value}
		if g.DirectMembers.Has() {
			group.DirectMembers = &g.DirectMembers.Value
		}
		out = withGroup(out, group)
	}
	return out
}

// withGroup adds a group, or puts it in the place of what was known of it.
func withGroup(all []stagedoor.DirectoryGroup, group stagedoor.DirectoryGroup) []stagedoor.DirectoryGroup {
	at := slices.IndexFunc(all, func(g stagedoor.DirectoryGroup) bool { return g.ID == group.ID })
	if at < 0 {
		return append(all, group)
	}
	all[at] = group
	return all
}

type listDirectoryGroupsIn struct {
	web.Checkpoint
	Query string `json:"q" schema:"max=500" doc:"Groups to find, such as name:engineering*"`
}

func (a *API) listDirectoryGroups(c *call, in listDirectoryGroupsIn) (any, error) {
	conn, err := c.connection()
	if err != nil {
		return nil, err
	}
	d, err := store.Directories.Get(c.ctx(), c.store, conn.ID)
	if err != nil {
		return nil, err
	}
	if in.Query != "" {
		if d.Groups, err = found(&groupSchema, in.Query, d.Groups, func(g stagedoor.DirectoryGroup) map[string]string {
			return map[string]string{"id": g.ID, "name": g.Name, "email": g.Email}
		}); err != nil {
			return nil, err
		}
	}
	page, next, v := web.After(in.Checkpoint, d.Groups, func(g stagedoor.DirectoryGroup) string { return g.ID })
	if v != nil {
		return nil, bad("invalid_paging", v.Reason)
	}
	return web.CheckpointEnvelope("groups", page, next), nil
}

func (a *API) setDirectoryGroups(c *call, in groupsIn) (any, error) {
	return a.changeDirectory(c, func(d *stagedoor.DirectoryProvisioning) { d.Groups = in.list() })
}

func (a *API) addDirectoryGroups(c *call, in groupsIn) (any, error) {
	return a.changeDirectory(c, func(d *stagedoor.DirectoryProvisioning) {
		for _, g := range in.list() {
			d.Groups = withGroup(d.Groups, g)
		}
	})
}

func (a *API) removeDirectoryGroups(c *call, in groupsIn) (any, error) {
	return a.changeDirectory(c, func(d *stagedoor.DirectoryProvisioning) {
		gone := in.list()
		d.Groups = slices.DeleteFunc(d.Groups, func(g stagedoor.DirectoryGroup) bool {
			return slices.ContainsFunc(gone, func(other stagedoor.DirectoryGroup) bool { return other.ID == g.ID })
		})
	})
}
