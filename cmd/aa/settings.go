package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func settingsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "settings",
		Short: "Show or change the settings of new runs and of the daemon",
		Long: `Show or change the settings. They come from the defaults, then settings.json in
the home, then AA_<KEY> in the environment, then flags; each run keeps those it was
queued with.`,
		Example: `  aa settings
  aa settings set agent shell
  aa settings get max_parallel`,
		Args: takes(0, 0),
		RunE: a.connected(a.allSettings),
	}
	var unset bool
	set := &cobra.Command{
		Use:   "set KEY VALUE",
		Short: "Change a setting",
		Example: `  aa settings set max_parallel 4
  aa settings set agent_limits shell=2,custom=1
  aa settings set agent --unset`,
		Args:              takes(1, 2),
		ValidArgsFunction: completeSettings,
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			return a.setSetting(ctx, c, args, unset)
		}),
	}
	set.Flags().BoolVar(&unset, "unset", false, "bring the default back")
	cmd.AddCommand(&cobra.Command{
		Use:               "get [KEY]",
		Short:             "Show one setting, or all",
		Example:           "  aa settings get agent",
		Args:              takes(0, 1),
		ValidArgsFunction: completeSettings,
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			if len(args) == 0 {
				return a.allSettings(ctx, c, nil)
			}
			return a.oneSetting(ctx, c, args[0])
		}),
	}, set)
	return cmd
}

func completeSettings(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var out []string
	if len(args) == 0 {
		for _, key := range apprentice.SettingKeys() {
			out = append(out, key.Name+"\t"+key.Doc)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) allSettings(ctx context.Context, c *client.Client, _ []string) error {
	r, err := c.SettingsGet(ctx, "")
	if err != nil {
		return err
	}
	return a.show(r, func() error {
		t := newTable("KEY", "VALUE", "MEANING")
		for _, key := range apprentice.SettingKeys() {
			value, err := r.Settings.Get(key.Name)
			if err != nil {
				return err
			}
			t.row(key.Name, settingText(value), key.Doc)
		}
		t.paint = func(row, _ int, cell string) string {
			if row < 0 {
				return a.style(dim, cell)
			}
			return cell
		}
		if err := t.print(a.out, a.columns); err != nil {
			return err
		}
		if exists(r.Path) {
			a.note("\nfrom %s", r.Path)
		} else {
			a.note("\nthe defaults, and AA_<KEY> in aad's environment; there is no %s yet", r.Path)
		}
		return nil
	})
}

func (a *app) oneSetting(ctx context.Context, c *client.Client, key string) error {
	r, err := c.SettingsGet(ctx, key)
	if err != nil {
		return err
	}
	value, err := r.Settings.Get(key)
	if err != nil {
		return err
	}
	return a.show(map[string]any{key: value}, func() error { return a.print("%s", cleanLine(settingText(value))) })
}

func (a *app) setSetting(ctx context.Context, c *client.Client, args []string, unset bool) error {
	p := rpc.SettingsSetParams{Key: args[0], Unset: unset}
	switch key, value, pair := strings.Cut(args[0], "="); {
	case unset && len(args) == 1:
	case unset:
		return apprentice.Errorf(apprentice.Invalid, "--unset takes no value").WithHint("aa settings set %s --unset", p.Key)
	case len(args) == 2:
		p.Value = args[1]
	case pair:
		p.Key, p.Value = key, value
	default:
		return apprentice.Errorf(apprentice.Invalid, "setting %s needs a value", p.Key).
			WithHint("aa settings set %s VALUE, or --unset", p.Key)
	}
	r, err := c.SettingsSet(ctx, p)
	if err != nil {
		return err
	}
	value, err := r.Settings.Get(p.Key)
	if err != nil {
		return err
	}
	if readAtStart(p.Key) {
		a.note("aad reads it when it starts: aa daemon restart")
	}
	return a.show(map[string]any{p.Key: value}, func() error {
		return a.told("%s is now %s", p.Key, cmp.Or(cleanLine(settingText(value)), "empty"))
	})
}

// readAtStart reports whether a running aad goes on with the value it has.
func readAtStart(name string) bool {
	return slices.ContainsFunc(apprentice.SettingKeys(), func(key apprentice.SettingKey) bool {
		return key.Name == name && strings.Contains(key.Doc, "read when aad starts")
	})
}

// settingText writes a value as people type it.
func settingText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case int:
		return fmt.Sprint(v)
	case []string:
		return strings.Join(v, ",")
	}
	data, err := json.Marshal(value)
	if err != nil || string(data) == "null" {
		return ""
	}
	return string(data)
}
