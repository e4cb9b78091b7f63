<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\local;

/**
 * Which courses are handed over, and whose accounts.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class scope {
    /** @var bool[] users who took part in a chosen course when their deletion began */
    private static array $remembered = [];

    /**
     * Whether anything is handed over at all.
     *
     * @return bool
     */
    public static function active(): bool {
        return in_array(settings::get('scope'), ['all', 'chosen'], true);
    }

    /**
     * Whether a course is handed over. Asked for at each event: it must stay cheap.
     *
     * @param int $courseid
     * @return bool
     */
    public static function has_course(int $courseid): bool {
        if ($courseid < 1 || $courseid === (int) SITEID || !self::active()) {
            return false;
        }
        if (settings::get('scope') === 'all') {
            return true;
        }
        $cache = \cache::make('local_copbridge', 'scope');
        $key = self::key($courseid);
        $known = $cache->get($key);
        if ($known === false) {
            $course = self::row($courseid);
            if (!$course) {
                return false;
            }
            $known = self::matches($course) ? 1 : 0;
            $cache->set($key, $known);
        }
        return (bool) $known;
    }

    /**
     * Whether a course that is gone by now was handed over.
     *
     * @param \stdClass $course as it was
     * @return bool
     */
    public static function had_course(\stdClass $course): bool {
        global $DB;
        if (!self::active() || settings::get('scope') === 'all') {
            return self::active();
        }
        $path = $DB->get_field('course_categories', 'path', ['id' => $course->category]);
        return self::matches((object) [
            'shortname' => $course->shortname,
            'idnumber' => $course->idnumber,
            'path' => (string) $path,
        ]);
    }

    /**
     * Whether courses that aren't there yet would be handed over.
     *
     * @param array[] $courses idnumber, shortname, and the id of a category that each would be in or below
     * @return bool[] in their order
     */
    public static function would_have(array $courses): array {
        global $DB;
        $all = settings::get('scope') === 'all';
        if (!$courses || $all || !self::active()) {
            return array_fill(0, count($courses), $all);
        }
        $paths = $DB->get_records_list('course_categories', 'id', array_unique(array_column($courses, 'category')), '', 'id, path');
        return array_map(static fn(array $course): bool => self::matches((object) [
            'shortname' => $course['shortname'],
            'idnumber' => $course['idnumber'],
            'path' => $paths[$course['category']]->path ?? '',
        ]), array_values($courses));
    }

    /**
     * The courses that are handed over.
     *
     * @return int[] ids, in order
     */
    public static function courses(): array {
        global $DB;
        $ids = [];
        if (!self::active()) {
            return $ids;
        }
        $all = settings::get('scope') === 'all';
        $rows = $DB->get_recordset_sql(self::sql() . ' WHERE c.id <> :site ORDER BY c.id', ['site' => SITEID]);
        foreach ($rows as $course) {
            if ($all || self::matches($course)) {
                $ids[] = (int) $course->id;
            }
        }
        $rows->close();
        return $ids;
    }

    /**
     * Whether a user takes part in a course that is handed over, or has completions there.
     *
     * @param int $userid
     * @return bool
     */
    public static function has_user(int $userid): bool {
        global $DB;
        if ($userid < 1 || !self::active()) {
            return false;
        }
        if (isset(self::$remembered[$userid])) {
            return true;
        }
        $sql = 'SELECT e.courseid
                  FROM {user_enrolments} ue
                  JOIN {enrol} e ON e.id = ue.enrolid
                 WHERE ue.userid = :enrolled
                 UNION
                SELECT ctx.instanceid
                  FROM {role_assignments} ra
                  JOIN {context} ctx ON ctx.id = ra.contextid
                 WHERE ra.userid = :assigned AND ctx.contextlevel = :level
                 UNION
                SELECT cm.course
                  FROM {course_modules_completion} cmc
                  JOIN {course_modules} cm ON cm.id = cmc.coursemoduleid
                 WHERE cmc.userid = :completed';
        $params = ['enrolled' => $userid, 'assigned' => $userid, 'level' => CONTEXT_COURSE, 'completed' => $userid];
        foreach ($DB->get_fieldset_sql($sql, $params) as $courseid) {
            if (self::has_course((int) $courseid)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Notes whether a user who is about to be deleted takes part: afterwards no enrolment tells.
     *
     * @param int $userid
     */
    public static function remember_user(int $userid): void {
        try {
            if (self::has_user($userid)) {
                self::$remembered[$userid] = true;
            }
        } catch (\Throwable $e) {
            // The deletion must go on; the account is missed by the next comparison.
            outbox::count_failure();
        }
    }

    /**
     * Forgets what was worked out of all courses.
     */
    public static function forget(): void {
        \cache::make('local_copbridge', 'scope')->purge();
    }

    /**
     * Forgets what was worked out of one course.
     *
     * @param int $courseid
     */
    public static function forget_course(int $courseid): void {
        if (settings::get('scope') === 'chosen') {
            \cache::make('local_copbridge', 'scope')->delete(self::key($courseid));
        }
    }

    /**
     * Whether the settings choose a course.
     *
     * @param \stdClass $course shortname, idnumber and its category's path
     * @return bool
     */
    private static function matches(\stdClass $course): bool {
        $above = array_filter(explode('/', (string) $course->path));
        $chosen = array_filter(array_map('trim', explode(',', settings::get('categories'))));
        if (array_intersect($chosen, $above)) {
            return true;
        }
        foreach (preg_split('/\R/u', settings::get('courses'), -1, PREG_SPLIT_NO_EMPTY) ?: [] as $line) {
            $line = trim($line);
            if ($line === '') {
                continue;
            }
            $pattern = '/^' . str_replace('\*', '.*', preg_quote($line, '/')) . '$/isu';
            if (preg_match($pattern, (string) $course->idnumber) || preg_match($pattern, (string) $course->shortname)) {
                return true;
            }
        }
        return false;
    }

    /**
     * The cache's key of a course. What is set is part of it, so that another choice asks anew.
     *
     * @param int $courseid
     * @return string
     */
    private static function key(int $courseid): string {
        return $courseid . '_' . substr(sha1(settings::get('categories') . "\n" . settings::get('courses')), 0, 12);
    }

    /**
     * What of a course decides whether it is chosen.
     *
     * @param int $courseid
     * @return \stdClass|false
     */
    private static function row(int $courseid): \stdClass|false {
        global $DB;
        return $DB->get_record_sql(self::sql() . ' WHERE c.id = :id', ['id' => $courseid]);
    }

    /**
     * The query for that, as far as its condition.
     *
     * @return string
     */
    private static function sql(): string {
        return 'SELECT c.id, c.shortname, c.idnumber, cc.path
                  FROM {course} c
             LEFT JOIN {course_categories} cc ON cc.id = c.category';
    }
}
