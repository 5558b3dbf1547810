package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func ecosystemCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ecosystem",
		Short: "Share bundles with others and take theirs: folder, git or S3",
		Long: `Share contribution bundles and take those of others. They lie in a place that you
name: a plain folder, a git repository, or a bucket that speaks S3. Nothing is shared
unless you ask for it, or have set contribution_policy to automatic; a bundle is checked
before it leaves and before it is taken.`,
		Example: `  aa ecosystem configure --place /mnt/team/bundles --consent text --license CC-BY-4.0
  aa ecosystem contribute @last --dry-run
  aa ecosystem search monthly report
  aa ecosystem pull bundle_monthly-1`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(topicCommand(a, sharingTopic), ecosystemStatusCommand(a), ecosystemListCommand(a), ecosystemSearchCommand(a),
		ecosystemInspectCommand(a), ecosystemPullCommand(a), ecosystemContributeCommand(a), ecosystemSharedCommand(a))
	return cmd
}

// sharingTopic is what aa ecosystem configure asks.
var sharingTopic = topic{
	name: "configure", short: "Name the place where bundles are shared, and look whether it can be used",
	long: `Name the place where bundles are shared, and look whether it can be reached and
written to. The keys of a bucket are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and
AWS_SESSION_TOKEN) of .env.local or of aad's environment; git uses what you have set up
for git, and asks nobody.`,
	example: "aa ecosystem configure --place s3://team/bundles --endpoint https://s3.example.org --contribution manual",
	asks: []setUp{
		{key: "ecosystem_place", flag: "place", question: "Where? (a folder, git+PATH or a git URL, s3://bucket/prefix)", tidy: placeArgument},
		{key: "ecosystem_endpoint", flag: "endpoint", question: "Which server keeps the bucket? (empty is Amazon's)", only: "ecosystem_place", values: []string{"s3://*"}},
		{key: "ecosystem_region", flag: "region", question: "In which region?", only: "ecosystem_place", values: []string{"s3://*"}},
		{key: "ecosystem_allow_http", flag: "allow-http", question: "May it be reached without TLS?", only: "ecosystem_endpoint", values: []string{"http://*"}, choices: among("false", "true")},
		{key: "contribution_policy", flag: "contribution", question: "When are bundles shared?", choices: among("manual", "automatic", "disabled")},
		{key: "contribution_consent", flag: "consent", question: "What of bundles may be shared?", choices: among("not_given", "text", "all")},
		{key: "contribution_license", flag: "license", question: "Under which licence? (such as CC-BY-4.0)"},
	},
	after: func(a *app, ctx context.Context, c *client.Client) error { return a.sharingStatus(ctx, c, true) },
}

// placeArgument makes the path of a folder or repository absolute.
func placeArgument(text string) (string, error) {
	path, git := strings.CutPrefix(text, "git+")
	if path == "" || strings.Contains(path, "://") || strings.Contains(path, "@") && strings.Contains(path, ":") {
		return text, nil
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		path = filepath.Join(home, rest)
	}
	path, err := filepath.Abs(path)
	if git {
		path = "git+" + path
	}
	return path, err
}

func ecosystemStatusCommand(a *app) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use: "status", Short: "Show where bundles are shared and when, and what waits to be",
		Example: "  aa ecosystem status\n  aa ecosystem status --check",
		Args:    takes(0, 0),
		RunE: a.connected(func(ctx context.Context, c *client.Client, _ []string) error {
			return a.sharingStatus(ctx, c, check)
		}),
	}
	cmd.Flags().BoolVar(&check, "check", false, "look whether the place can be reached and written to")
	return cmd
}

// sharingStatus shows how sharing stands. That the place was tried and cannot be used
// is an error.
func (a *app) sharingStatus(ctx context.Context, c *client.Client, check bool) error {
	var s rpc.EcosystemStatus
	err := a.underWay(ctx, c, "looking at the place", func() (err error) {
		s, err = c.EcosystemStatus(ctx, check)
		return err
	})
	if err != nil {
		return err
	}
	if err := a.show(s, func() error { return a.printSharing(s) }); err != nil {
		return err
	}
	if s.Checked && s.Problem != "" {
		return exitCode(apprentice.Unavailable.ExitCode()).asError()
	}
	return nil
}

func (a *app) printSharing(s rpc.EcosystemStatus) error {
	if a.quiet {
		return a.print("%s", firstText(cleanLine(s.Place), "nowhere"))
	}
	stands := s.Problem
	if stands == "" && s.Checked {
		stands = "it can be reached and written to"
	}
	if s.Hint != "" && s.Problem != "" {
		stands += " (" + s.Hint + ")"
	}
	place := s.Place
	if s.Kind != "" && s.Kind != "folder" {
		place += " (" + s.Kind + ")"
	}
	if err := a.pairs("place", firstText(place, "none"), "endpoint", s.Endpoint, "region", s.Region, "keys", s.Keys, "state", stands,
		"contribution", s.Policy, "consent", s.Consent, "licence", firstText(s.License, "none"),
		"contributed", strconv.Itoa(s.Contributed), "pulled", fmt.Sprintf("%d, in %s", s.Pulled, s.Folder),
		"waiting", waitingText(s.Waiting)); err != nil {
		return err
	}
	for _, w := range s.Waiting[:min(len(s.Waiting), shownWaiting)] {
		if err := a.print("  %s  %s", cleanLine(w.RunID), firstText(cleanLine(w.Error), "not tried yet")); err != nil {
			return err
		}
	}
	for _, t := range s.Transfers {
		if err := a.print("under way: %s %s %s", t.What, cleanLine(t.ID), transferText(t)); err != nil {
			return err
		}
	}
	return nil
}

const shownWaiting = 10

func waitingText(list []rpc.EcosystemWaiting) string {
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("%d runs to be shared by themselves", len(list))
}

func ecosystemListCommand(a *app) *cobra.Command {
	var p rpc.EcosystemListParams
	cmd := &cobra.Command{
		Use: "list", Short: "List the shared bundles, newest first",
		Example: "  aa ecosystem list\n  aa ecosystem list --limit 20 --json",
		Args:    takes(0, 0),
		RunE: a.connected(func(ctx context.Context, c *client.Client, _ []string) error {
			return a.listShared(ctx, c, p)
		}),
	}
	cmd.Flags().IntVar(&p.Limit, "limit", 0, "at most this `number` (200)")
	cmd.Flags().IntVar(&p.Skip, "skip", 0, "leave out this `number` of the first")
	return cmd
}

func ecosystemSearchCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "search WORD...", Short: "Find shared bundles that hold all the words",
		Long:    "Find shared bundles that hold all the words, in title, instruction, agent, lessons or id.",
		Example: "  aa ecosystem search monthly report",
		Args:    takes(1, -1),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			return a.listShared(ctx, c, rpc.EcosystemListParams{Words: strings.Fields(strings.Join(args, " "))})
		}),
	}
}

func (a *app) listShared(ctx context.Context, c *client.Client, p rpc.EcosystemListParams) error {
	var list rpc.EcosystemListResult
	err := a.underWay(ctx, c, "reading the place", func() (err error) {
		list, err = c.EcosystemList(ctx, p)
		return err
	})
	if err != nil {
		return err
	}
	for _, problem := range list.Problems {
		a.note("passed over: %s", problem)
	}
	return a.show(list, func() error {
		switch {
		case list.Total == 0 && len(p.Words) > 0:
			a.note("no shared bundle holds these words")
		case list.Total == 0:
			a.note("nothing is shared in %s yet: aa ecosystem contribute RUN", list.Place)
		case list.Total > p.Skip+len(list.Bundles):
			defer a.note("%d of %d; more: --skip %d", len(list.Bundles), list.Total, p.Skip+len(list.Bundles))
		}
		t := newTable("BUNDLE", "VERDICT", "SCORE", "AGENT", "LESSONS", "SIZE", "MADE", "HERE", "TITLE")
		t.right = map[int]bool{2: true, 4: true, 5: true}
		for _, b := range list.Bundles {
			if a.quiet {
				if err := a.print("%s", cleanLine(b.BundleID)); err != nil {
					return err
				}
				continue
			}
			t.row(b.BundleID, b.Verdict, score(b.Score), b.Agent, strconv.Itoa(b.Lessons), size(b.Bytes), ago(b.CreatedAt, time.Now()), b.Here, b.Title)
		}
		if len(t.rows) == 0 {
			return nil
		}
		return t.print(a.out, a.columns)
	})
}

func ecosystemInspectCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "inspect BUNDLE", Short: "Show a shared bundle on a page, without pulling it",
		Example: "  aa ecosystem inspect bundle_monthly-1",
		Args:    takes(1, 1),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			r, err := c.EcosystemInspect(ctx, args[0])
			if err != nil {
				return err
			}
			return a.show(r, func() error { return a.print("%s", strings.TrimRight(clean(r.Page), "\n")) })
		}),
	}
}

func ecosystemSharedCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "shared", Short: "List what this home has shared: what, when, where",
		Example: "  aa ecosystem shared",
		Args:    takes(0, 0),
		RunE: a.connected(func(ctx context.Context, c *client.Client, _ []string) error {
			r, err := c.EcosystemShared(ctx)
			if err != nil {
				return err
			}
			return a.show(r, func() error {
				if r.Total == 0 {
					a.note("nothing was shared from this home")
					return nil
				}
				t := newTable("BUNDLE", "SHARED", "BY", "FILES", "SIZE", "LICENCE", "PLACE")
				t.right = map[int]bool{3: true, 4: true}
				for _, s := range r.Shared {
					t.row(s.BundleID, ago(s.SharedAt, time.Now()), s.By, strconv.Itoa(s.Files), size(s.Bytes), s.License, s.Place)
				}
				return t.print(a.out, a.columns)
			})
		}),
	}
}
