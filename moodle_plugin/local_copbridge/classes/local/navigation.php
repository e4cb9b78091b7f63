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

use core_user\output\myprofile\category;
use core_user\output\myprofile\node;
use core_user\output\myprofile\tree;

/**
 * The ways to the pages of a community, and who may take them.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class navigation {
    /** @var string the profile's category */
    private const CATEGORY = 'local_copbridge';

    /**
     * Adds the hours to a course's navigation, and the grid for who may declare hours.
     *
     * @param \navigation_node $parent
     * @param \stdClass $course
     * @param \context_course $context
     */
    public static function course(\navigation_node $parent, \stdClass $course, \context_course $context): void {
        if (!scope::has_course((int) $course->id)) {
            return;
        }
        $all = has_capability('local/copbridge:viewallhours', $context);
        if ($all || self::sees_own($context)) {
            $title = get_string($all ? 'roster_title' : 'myhours_title', 'local_copbridge');
            self::add($parent, $title, self::hours_url((int) $course->id), 'local_copbridge_hours');
        }
        if (has_capability('local/copbridge:sethours', $context)) {
            $url = new \moodle_url('/local/copbridge/grid.php', ['courseid' => $course->id]);
            self::add($parent, get_string('sethours', 'local_copbridge'), $url, 'local_copbridge_grid');
        }
    }

    /**
     * Adds one link per community to somebody's profile.
     *
     * @param tree $tree
     * @param \stdClass $user whose profile it is
     * @param \stdClass|null $course the course that the profile is looked at in; null: the whole site's
     */
    public static function profile(tree $tree, \stdClass $user, ?\stdClass $course): void {
        $nodes = [];
        foreach (self::communities((int) $user->id) as $community) {
            $here = $course === null || (int) $course->id === (int) SITEID || (int) $course->id === (int) $community->id;
            if ($here && self::sees($community, (int) $user->id)) {
                $nodes[] = self::profile_node($community, (int) $user->id);
            }
        }
        if (!$nodes) {
            return;
        }
        $tree->add_category(new category(self::CATEGORY, get_string('profile_category', 'local_copbridge'), 'coursedetails'));
        array_map($tree->add_node(...), $nodes);
    }

    /**
     * Whether the reader may see somebody's hours in a course.
     *
     * @param \stdClass $course
     * @param int $userid
     * @return bool
     */
    public static function sees(\stdClass $course, int $userid): bool {
        global $USER;
        $context = \context_course::instance($course->id);
        if ($userid === (int) $USER->id && self::sees_own($context)) {
            return true;
        }
        return has_capability('local/copbridge:viewallhours', $context) && groups_user_groups_visible($course, $userid);
    }

    /**
     * The reader's communities whose hours they can open: where they take part, or something was told of them.
     *
     * @return \stdClass[] courses
     */
    public static function own(): array {
        global $DB, $USER;
        $courses = self::communities((int) $USER->id);
        foreach (standings::courses_of((int) $USER->id) as $courseid) {
            $course = scope::has_course($courseid) ? $DB->get_record('course', ['id' => $courseid]) : false;
            $courses += $course ? [$courseid => $course] : [];
        }
        return array_filter($courses, static function (\stdClass $course): bool {
            $context = \context_course::instance($course->id);
            return can_access_course($course)
                && (has_capability('local/copbridge:viewallhours', $context) || self::sees_own($context));
        });
    }

    /**
     * The page of a community's hours, or of one participant's.
     *
     * @param int $courseid 0: the list of the reader's communities
     * @param int $userid 0: everybody's, or the reader's own
     * @return \moodle_url
     */
    public static function hours_url(int $courseid = 0, int $userid = 0): \moodle_url {
        $params = array_filter(['courseid' => $courseid, 'userid' => $userid]);
        return new \moodle_url('/local/copbridge/hours.php', $params);
    }

    /**
     * Whether the reader takes part in a course, and may see the own hours there.
     *
     * @param \context_course $context
     * @return bool
     */
    private static function sees_own(\context_course $context): bool {
        return has_capability('local/copbridge:viewownhours', $context) && is_enrolled($context, null, '', true);
    }

    /**
     * The communities that somebody takes part in at present.
     *
     * @param int $userid
     * @return \stdClass[] courses
     */
    private static function communities(int $userid): array {
        if (!scope::active()) {
            return [];
        }
        $fields = 'id, fullname, shortname, groupmode, groupmodeforce, defaultgroupingid, visible';
        $courses = enrol_get_all_users_courses($userid, true, $fields);
        return array_filter($courses, fn(\stdClass $course): bool => scope::has_course((int) $course->id)
            && \core_course_category::can_view_course_info($course));
    }

    /**
     * The link to a community's hours, with how somebody stands in it.
     *
     * @param \stdClass $course
     * @param int $userid
     * @return node
     */
    private static function profile_node(\stdClass $course, int $userid): node {
        global $USER;
        $told = standings::course((int) $course->id);
        $standing = standings::of((int) $course->id, $userid);
        $title = $told ? s($told->community)
            : format_string($course->fullname, true, ['context' => \context_course::instance($course->id)]);
        $content = null;
        if ($standing !== null) {
            $words = words::of_course($told);
            $bar = new \local_copbridge\output\bar($standing, $words, true);
            $content = s($bar->total() . ' · ' . $words->status($standing->status));
        }
        $all = has_capability('local/copbridge:viewallhours', \context_course::instance($course->id));
        // Who may see everybody's would come to the roster without a name.
        $whose = $userid === (int) $USER->id && !$all ? 0 : $userid;
        $url = self::hours_url((int) $course->id, $whose);
        return new node(self::CATEGORY, 'local_copbridge_' . $course->id, $title, null, $url, $content);
    }

    /**
     * Adds a node to a course's navigation.
     *
     * @param \navigation_node $parent
     * @param string $title
     * @param \moodle_url $url
     * @param string $key
     */
    private static function add(\navigation_node $parent, string $title, \moodle_url $url, string $key): void {
        $parent->add($title, $url, \navigation_node::TYPE_SETTING, null, $key, new \pix_icon('i/report', ''));
    }
}
