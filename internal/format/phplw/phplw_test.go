package phplw_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/phplw"
)

// The same two days in the tables of four versions. Words in quotes are hostile
// where they can be.
var dumps = map[string]string{
	"by names": "-- MySQL dump 10.9\n" + `
CREATE TABLE license_usage (
  flmusage_server varchar(80) NOT NULL,
  flmusage_product varchar(80) NOT NULL,
  flmusage_date date NOT NULL default '0000-00-00',
  flmusage_time time NOT NULL,
  flmusage_users int NOT NULL,
  PRIMARY KEY (flmusage_product, flmusage_server, flmusage_date, flmusage_time)
);
INSERT INTO license_usage VALUES ('27000@cad','MILL','2021-03-04','09:15:00',3);
INSERT INTO license_usage VALUES ('27000@cad','DRAFT','2021-03-04','09:15:00',0);
INSERT INTO license_usage VALUES ('27000@cad','MILL','2021-07-05','09:30:00',4),('1055@other','X','2021-07-05','09:30:00',9);
CREATE TABLE licenses_available (
  flmavailable_date date NOT NULL, flmavailable_server varchar(80) NOT NULL,
  flmavailable_product varchar(80) NOT NULL, flmavailable_num_licenses int NOT NULL,
  PRIMARY KEY (flmavailable_date)
);
INSERT INTO licenses_available VALUES ('2021-03-04','27000@cad','MILL',10),('2021-03-04','27000@cad','DRAFT',5),
('2021-03-04','27000@cad','DRAFT',6);
`,
	"server by number": "-- MySQL dump 10.13  Distrib 5.7.33\n--\n-- Host: localhost    Database: licenses\n" + "/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\n" +
		"DROP TABLE IF EXISTS `available`;\n/*!40101 SET @saved_cs_client     = @@character_set_client */;\n" +
		"CREATE TABLE `available` (\n  `server_id` int NOT NULL,\n  `date` date NOT NULL,\n  `product` varchar(80) NOT NULL COMMENT 'it''s; a (product)',\n  `licenses` int NOT NULL,\n" +
		"  PRIMARY KEY (`server_id`,`date`,`product`),\n  CONSTRAINT `fk` FOREIGN KEY (`server_id`) REFERENCES `servers` (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8;\n" +
		"LOCK TABLES `available` WRITE;\n/*!40000 ALTER TABLE `available` DISABLE KEYS */;\nINSERT INTO `available` VALUES (1,'2021-03-04','MILL',10),(1,'2021-03-04','DRAFT',5),(1,'2021-03-04','DRAFT',6);\n" +
		"/*!40000 ALTER TABLE `available` ENABLE KEYS */;\nUNLOCK TABLES;\n" +
		"CREATE TABLE `servers` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `name` varchar(50) NOT NULL,\n  `alias` varchar(50) NOT NULL,\n  `notes` text,\n  PRIMARY KEY (`id`)\n);\n" +
		"INSERT INTO `servers` VALUES (1,'27000@cad','CAD (1), \\'main\\'; drop',NULL),(2,'1055@other','b',NULL);\n" +
		"CREATE TABLE `usage` (\n  `server_id` int NOT NULL,\n  `time` datetime NOT NULL,\n  `product` varchar(80) NOT NULL,\n  `users` int NOT NULL\n);\n" +
		"INSERT INTO `usage` VALUES (1,'2021-03-04 09:15:00','MILL',3),(1,'2021-03-04 09:15:00','DRAFT',0),(1,'2021-07-05 09:30:00','MILL',4),(2,'2021-07-05 09:30:00','X',9);\n",
	"both by numbers": "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n" +
		"CREATE TABLE `available` (`license_id` smallint unsigned NOT NULL, `date` date NOT NULL, `num_licenses` int NOT NULL, PRIMARY KEY (`license_id`,`date`));\n" +
		"INSERT INTO `available` (`num_licenses`, `license_id`, `date`) VALUES\n(10, 7, '2021-03-04'),\n(5, 8, '2021-03-04'), -- a remark, (1,2,3)\n(6, 8, '2021-03-04');\n" +
		"CREATE TABLE `events` (`license_id` smallint unsigned NOT NULL, `reason` text);\nINSERT INTO `events` VALUES (7,'((( \"');\n" +
		"CREATE TABLE `features` (`id` int NOT NULL AUTO_INCREMENT, `name` varchar(100) NOT NULL, `label` varchar(100), PRIMARY KEY (`id`));\n" +
		"INSERT INTO `features` VALUES (1,'MILL',NULL),(2,'DRAFT','it\\'s \\\\'),(3,'X',NULL);\n" +
		"CREATE TABLE `licenses` (`id` smallint unsigned NOT NULL, `server_id` int NOT NULL, `feature_id` int NOT NULL);\n" +
		"INSERT INTO `licenses` VALUES (7,1,1),(8,1,2),(9,2,3);\n" +
		"CREATE TABLE `servers` (`id` int NOT NULL, `name` varchar(50) NOT NULL, `label` varchar(100) NOT NULL, `is_active` tinyint NOT NULL DEFAULT '0');\n" +
		"INSERT INTO `servers` VALUES (1,_utf8mb4'27000@cad','CAD (1), \\'main\\'; drop',1),(2,'1055@other','b',1);\n" +
		"CREATE TABLE `usage` (`license_id` smallint unsigned NOT NULL, `time` datetime NOT NULL, `num_users` smallint unsigned NOT NULL);\n" +
		"INSERT IGNORE INTO `phplw`.`usage` VALUES (7,'2021-03-04 09:15:00',3),(8,'2021-03-04 09:15:00',0),(7,'2021-07-05 09:30:00.000000',4),(9,'2021-07-05 09:30:00',9);\n",
}

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// told shows the readings of the license server 27000@cad.
func told(t testing.TB, text string) []string {
	t.Helper()
	d, err := phplw.Open(strings.NewReader(text), berlin(t))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, s := range d.Servers {
		if s.Name != "27000@cad" {
			continue
		}
		err := d.Readings(strings.NewReader(text), i, 0, 1<<30, func(r phplw.Reading) {
			line := fmt.Sprintf("%s %s %d", r.At.Format(time.DateTime), r.Feature, r.InUse)
			if r.IsInstalled {
				line += fmt.Sprintf(" of %d", r.Installed)
			}
			out = append(out, line)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range d.Unread.First {
		out = append(out, fmt.Sprintf("unread %d: %s", u.Line, u.Text))
	}
	return out
}

func TestDumpsOfAllVersionsSayTheSame(t *testing.T) {
	want := []string{
		"2021-03-04 08:15:00 MILL 3 of 10",
		"2021-03-04 08:15:00 DRAFT 0", // two totals of one day: neither is sure
		"2021-07-05 07:30:00 MILL 4",  // no total of that day
	}
	for name, text := range dumps {
		if !phplw.Is([]byte(text)) {
			t.Errorf("%s: not recognised", name)
		}
		if diff := cmp.Diff(want, told(t, text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDumpSaysWhatIsInIt(t *testing.T) {
	d, err := phplw.Open(strings.NewReader(dumps["both by numbers"]), berlin(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []phplw.Server{{Name: "27000@cad", Label: "CAD (1), 'main'; drop"}, {Name: "1055@other", Label: "b"}}
	if diff := cmp.Diff(want, d.Servers); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
	march := int(time.Date(2021, 3, 4, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	if d.Rows != 4 || len(d.Days) != 2 || d.Days[march] != 2 {
		t.Errorf("%d readings on %d days, %d of them on 4 March; want 4, 2, 2", d.Rows, len(d.Days), d.Days[march])
	}
	read := 0
	if err := d.Readings(strings.NewReader(dumps["both by numbers"]), 0, march, march+1, func(phplw.Reading) { read++ }); err != nil || read != 2 {
		t.Errorf("%d readings on 4 March, %v, want 2", read, err)
	}
}

func TestARowThatCannotBeReadCostsNoOther(t *testing.T) {
	text := "CREATE TABLE `usage` (`server_id` int, `time` datetime, `product` varchar(80), `users` int);\nINSERT INTO `servers` (`id`,`name`) VALUES (1,'27000@cad');\n" +
		"INSERT INTO `usage` VALUES (1,'2021-03-04 09:15:00','MILL',3),\n(1,'0000-00-00 00:00:00','MILL',3),\n(1,'2021-03-04 09:30:00','MILL',-1),\n(1,,'MILL'),(1,'2021-03-04 09:45:00','MILL',NULL),\n(1,'2021-03-04 10:00:00','MILL',5);\n" +
		"INSERT INTO `usage` VALUES (1,'2021-03-04 10:15:00','MI"
	got := told(t, text)
	if len(got) < 3 || got[0] != "2021-03-04 08:15:00 MILL 3" || got[1] != "2021-03-04 09:00:00 MILL 5" {
		t.Errorf("told %q, want the two good readings first", got)
	}
	for _, line := range got[2:] {
		if !strings.HasPrefix(line, "unread ") {
			t.Errorf("told %q, want it unread", line)
		}
	}
}

func TestErrorOfTheReaderIsTold(t *testing.T) {
	wrong := errors.New("disk on fire")
	r := iotest.DataErrReader(iotest.ErrReader(wrong))
	if _, err := phplw.Open(r, nil); !errors.Is(err, wrong) {
		t.Errorf("error %v, want the reader's", err)
	}
}

func TestOtherFilesAreNoDumps(t *testing.T) {
	for _, text := range []string{"", " 8:00:00 (lmgrd) TIMESTAMP 3/3/2026\n", "Users of MILL:  (Total of 1 license issued;  Total of 0 licenses in use)\n", "INCREMENT usage acme 1.0 permanent 1\n"} {
		if phplw.Is([]byte(text)) {
			t.Errorf("%q is taken for a dump", text)
		}
	}
}

func FuzzDump(f *testing.F) {
	for _, text := range dumps {
		f.Add(text)
	}
	f.Add("INSERT INTO usage (a,`b") // cut in the middle
	f.Add("CREATE TABLE usage (a int,, `b\\`` x, primary key (a)); insert into usage values (1,'\\")
	zone := berlin(f)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := phplw.Open(strings.NewReader(text), zone)
		if err != nil {
			t.Fatal(err)
		}
		days := 0
		for _, n := range d.Days {
			days += n
		}
		if days != d.Rows {
			t.Errorf("%d readings, %d by day", d.Rows, days)
		}
		for i := range d.Servers {
			err := d.Readings(strings.NewReader(text), i, 0, 1<<30, func(r phplw.Reading) {
				if r.Feature == "" || r.InUse < 0 || r.Installed < 0 || r.At.Year() < 1989 {
					t.Errorf("reading %+v", r)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
