//go:build linux

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cell"
	"hotcell/internal/cli"
	"hotcell/internal/config"
	"hotcell/internal/line/child"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/worker/image"
)

// images is the folder of images: cells of a server that runs as root have uids that
// cannot reach into the data folder.
func images(c config.Config, data string) string {
	if c.Cells.Images != "" {
		return c.Cells.Images
	}
	if os.Geteuid() == 0 {
		return "/opt/hotcell-images"
	}
	return filepath.Join(data, "images")
}

// image finds an image that an assignment names.
func (h *house) image(name string) (hotcell.Image, error) {
	i, err := image.Store{Folder: images(h.config, h.data)}.Find(name)
	return i.Told(), err
}

// images lists the images that assignments may name.
func (h *house) images() ([]hotcell.Image, error) {
	list, err := image.Store{Folder: images(h.config, h.data)}.List()
	out := make([]hotcell.Image, len(list))
	for n, i := range list {
		out[n] = i.Told()
	}
	return out, err
}

func imagesCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "images", Short: "Container images that cells have as their root, in the place of the machine's /usr",
		Long: `Container images that cells have as their root, in the place of the machine's /usr.

Commands of the operator, on the server's machine. An image is kept by its digest, and
unpacked once, by a process that is confined; jobs of assignments that name it (--image)
see it to read, from the next job on. docs/images.md says what is left out of it.
` + cli.ExitStatus,
	}
	c.PersistentFlags().String("config", "", "the server's configuration `file` (DIR/hotcell.yaml, /etc/hotcell/hotcell.yaml)")
	c.AddCommand(addImage(), listImages(), removeImage())
	return c
}

// imagesOf is where a command's images are, with the server's settings and its data folder.
func imagesOf(cmd *cobra.Command) (image.Store, config.Config, string, error) {
	c, data, err := settingsOf(cmd)
	return image.Store{Folder: images(c, data), Now: time.Now}, c, data, err
}

// pullFlags say how a registry is asked.
type pullFlags struct {
	name, username, passwordFile string
	private                      []string
	plain                        bool
}

func addImage() *cobra.Command {
	var f pullFlags
	c := &cobra.Command{
		Use: "add REFERENCE | oci:FOLDER[:TAG] | docker-archive:FILE", Short: "Get an image: from a registry, an OCI image layout, or what docker save wrote", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.add(cmd, args[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&f.name, "name", "", "what assignments call it (the last part of what it is named by)")
	flags.StringVar(&f.username, "username", "", "sign in to the registry as this `user`, with --password-file")
	flags.StringVar(&f.passwordFile, "password-file", "", "a `file` with the password or token, - for standard input: it is used once, and kept nowhere")
	flags.StringArrayVar(&f.private, "allow-private", nil, "an `address`, range or name that may be asked although it is not public; may be given several times")
	flags.BoolVar(&f.plain, "plain-http", false, "ask this registry without TLS")
	return c
}

// add gets an image and keeps it.
func (f *pullFlags) add(cmd *cobra.Command, text string) error {
	store, settings, _, err := imagesOf(cmd)
	if err != nil {
		return err
	}
	source, err := image.ParseSource(text)
	if err != nil {
		return err
	}
	if !cell.Static(cell.Self) {
		return cell.ErrLoader
	}
	by := image.Unpacker{User: imageUser()}
	if by.Program, err = cell.OpenProgram(); err != nil {
		return err
	}
	defer func() { _ = by.Program.Close() }()
	content, err := f.find(cmd, settings, source)
	if err != nil {
		return err
	}
	unix.Umask(0o022) // cells read what is written now
	added, err := store.Add(cmd.Context(), cmp.Or(f.name, source.Name()), content, by)
	if err != nil {
		return err
	}
	return told(cmd, added)
}

// imageUser is the uid that unpacks images.
func imageUser() int {
	const nobody = 65534
	if os.Geteuid() != 0 {
		return 0
	}
	if separate, _ := child.Separate(); separate {
		return child.ImageUID
	}
	return nobody
}

// told says what was added.
func told(cmd *cobra.Command, i image.Image) error {
	if output, _ := cmd.Flags().GetString("output"); output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(i.Told())
	}
	say := func(format string, args ...any) {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "hotcell: "+format+"\n", args...)
	}
	if left := i.Left.String(); left != "" {
		say("left out of it: %s", left)
	}
	if names := i.Settings.Refused; len(names) > 0 {
		say("these of its variables are reserved, and cells do not have them: %s", strings.Join(names, ", "))
	}
	if !i.Shell {
		say("it has no /bin/sh: a command cannot run in it")
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "added %s, %s, %s in %d files: hotcell assignments create NAME --image %s …\n", i.Name, i.Digest, mebibytes(i.Size.Bytes), i.Size.Files, i.Name)
	return err
}

func mebibytes(n int64) string { return strconv.FormatInt((n+1<<20-1)>>20, 10) + " MiB" }

// find finds what is to be unpacked.
func (f *pullFlags) find(cmd *cobra.Command, settings config.Config, source image.Source) (image.Content, error) {
	switch source.Kind {
	case "oci":
		return image.Layout(cmd.Context(), source.At, source.Tag)
	case "docker-archive":
		return image.Archive(source.At)
	}
	guard, err := f.guard(settings, source.At)
	if err != nil {
		return image.Content{}, err
	}
	bundle, err := openBundle(settings.Egress.ExtraCA)
	if err != nil {
		return image.Content{}, err
	}
	defer func() { _ = bundle.Close() }()
	roots, err := readRoots(fmt.Sprintf("/proc/self/fd/%d", bundle.Fd()))
	if err != nil {
		return image.Content{}, err
	}
	from := image.Registry{Transport: netguard.Transport(guard, roots, netguard.Pool{PerHost: 2, Idle: time.Minute}), Plain: f.plain, Username: f.username}
	if from.Password, err = f.password(cmd.InOrStdin()); err != nil {
		return image.Content{}, err
	}
	return from.Pull(cmd.Context(), source.At)
}

// guard decides which addresses the registry, and where it leads to, may have: public
// ones, the operator's, and the machine's own loopback where it was named.
func (f *pullFlags) guard(settings config.Config, reference string) (*netguard.Guard, error) {
	private, err := settings.Private()
	if err != nil {
		return nil, err
	}
	pins, err := settings.Pins()
	if err != nil {
		return nil, err
	}
	at, err := image.Host(reference)
	if err != nil {
		return nil, err
	}
	named := slices.Clone(f.private)
	if host, _, err := net.SplitHostPort(at); err == nil {
		if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
			named = append(named, at)
		}
	}
	for _, text := range named {
		p, err := netguard.ParsePrivate(text)
		if err != nil {
			return nil, fmt.Errorf("--allow-private %s: %w", text, err)
		}
		private = append(private, p)
	}
	return netguard.New(netguard.Config{AllowPrivate: private, Setting: "--allow-private", Pins: pins}), nil
}

// maxPassword bounds a password or token, in bytes.
const maxPassword = 64 << 10

// password reads what signs in.
func (f *pullFlags) password(in io.Reader) (string, error) {
	if f.passwordFile == "" {
		return "", nil
	}
	if f.passwordFile != "-" {
		file, err := os.Open(f.passwordFile)
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxPassword))
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// users are the assignments that name an image, by its name; nil where the server does
// not say.
func users(ctx context.Context, data string) map[string][]string {
	list, err := client.New(client.Options{Socket: filepath.Join(data, "hotcell.sock")}).Assignments(ctx, "")
	if err != nil {
		return nil
	}
	out := map[string][]string{}
	for _, a := range list {
		if a.Work.Image != "" {
			out[a.Work.Image] = append(out[a.Work.Image], a.Name)
		}
	}
	return out
}

// listedImage is an image with who uses it.
type listedImage struct {
	hotcell.Image

	UsedBy []string `json:"used_by,omitempty"`
}

func listImages() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the images that cells may have as their root", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, _, data, err := imagesOf(cmd)
			if err != nil {
				return err
			}
			list, err := store.List()
			if err != nil {
				return err
			}
			by := users(cmd.Context(), data)
			rows := make([]listedImage, len(list))
			for n, i := range list {
				rows[n] = listedImage{i.Told(), by[i.Name]}
			}
			if output, _ := cmd.Flags().GetString("output"); output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(rows)
			}
			if len(rows) == 0 {
				_, err := fmt.Fprintln(cmd.ErrOrStderr(), "no images yet: hotcell images add docker.io/library/python:3.13-slim")
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "NAME\tREFERENCE\tDIGEST\tSIZE\tADDED\tUSED BY")
			for _, i := range rows {
				using := cmp.Or(strings.Join(i.UsedBy, ", "), "nobody")
				if by == nil {
					using = "? (no server)"
				}
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", i.Name, i.Reference, i.Digest, mebibytes(i.Bytes), i.AddedAt.Format(time.DateOnly), using)
			}
			return w.Flush()
		},
	}
}

func removeImage() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "remove NAME", Short: "Take an image away from the jobs that start from now on", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, _, data, err := imagesOf(cmd)
			if err != nil {
				return err
			}
			if by := users(cmd.Context(), data)[args[0]]; len(by) > 0 && !yes {
				return fmt.Errorf("%w: %s is the root of %s, whose next jobs will not start: say --yes if that is meant", hotcell.ErrConflict, args[0], strings.Join(by, ", "))
			}
			if err := store.Remove(args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "removed %s\n", args[0])
			return err
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "also where assignments name it")
	return c
}
