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

namespace local_copbridge\output;

use core\output\paging_bar;
use local_copbridge\local\navigation;
use local_copbridge\local\outbox;
use local_copbridge\local\standings;

/**
 * What a page of hours shows to its reader, who is known to be allowed to see it.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class hours_page {
    /** @var string what the page is called */
    private string $title = '';

    /** @var string HTML to turn pages with */
    private string $paging = '';

    /**
     * The pages of a course.
     *
     * @param \stdClass $course
     * @param \context_course $context
     */
    public function __construct(
        /** @var \stdClass the course */
        private readonly \stdClass $course,
        /** @var \context_course its context */
        private readonly \context_course $context,
    ) {
    }

    /**
     * What the page is called.
     *
     * @return string
     */
    public function title(): string {
        return $this->title;
    }

    /**
     * HTML to turn pages with; empty where there is one page.
     *
     * @return string
     */
    public function paging(): string {
        return $this->paging;
    }

    /**
     * One participant.
     *
     * @param int $userid
     * @return participant
     */
    public function participant(int $userid): participant {
        global $USER;
        $person = '';
        if ($userid !== (int) $USER->id) {
            $user = \core_user::get_user($userid, '*', MUST_EXIST);
            if (!is_enrolled($this->context, $user, '', true)) {
                $back = navigation::hours_url((int) $this->course->id);
                throw new \moodle_exception('myhours_notenrolled', 'local_copbridge', $back);
            }
            $person = fullname($user, has_capability('moodle/site:viewfullnames', $this->context));
        }
        $this->title = $person === ''
            ? get_string('myhours_title', 'local_copbridge')
            : get_string('myhours_title_other', 'local_copbridge', $person);
        $courseid = (int) $this->course->id;
        return new participant(
            $this->course,
            standings::of($courseid, $userid),
            standings::course($courseid),
            outbox::on_their_way($courseid, $userid),
            $person,
        );
    }

    /**
     * Everybody, as far as the reader's groups go.
     *
     * @param int $page
     * @return roster
     */
    public function roster(int $page): roster {
        global $OUTPUT, $PAGE;
        $this->title = get_string('roster_title', 'local_copbridge');
        $groupmenu = groups_print_course_menu($this->course, $PAGE->url, true);
        $courseid = (int) $this->course->id;
        $standings = standings::roster($courseid);
        $people = $this->people(array_keys($standings));
        $page = max(0, min($page, intdiv(max(count($people) - 1, 0), roster::PAGE)));
        if ($standings && count($people) > roster::PAGE) {
            $this->paging = $OUTPUT->render(new paging_bar(count($people), $page, roster::PAGE, $PAGE->url));
        }
        return new roster($courseid, $people, $standings, standings::course($courseid), $page, (string) $groupmenu);
    }

    /**
     * Who takes part at present: with hours, or without being one of those who lead.
     *
     * @param int[] $told who has a standing
     * @return string[] names by user id, in the order of the names
     */
    private function people(array $told): array {
        $group = groups_get_course_group($this->course, true);
        $separate = groups_get_course_groupmode($this->course) == SEPARATEGROUPS
            && !has_capability('moodle/site:accessallgroups', $this->context);
        if ($separate && !$group) {
            // Without a group of one's own there is nobody to see.
            return [];
        }
        $names = \core_user\fields::for_name()->get_sql('u', false, '', '', false)->selects;
        [$sort] = users_order_by_sql('u', null, $this->context);
        $found = get_enrolled_users($this->context, '', (int) $group, "u.id, $names", $sort, 0, 0, true);
        $leaders = get_enrolled_users($this->context, 'local/copbridge:viewallhours', 0, 'u.id', '', 0, 0, true);
        $leaders = array_diff_key($leaders, array_flip($told));
        $full = has_capability('moodle/site:viewfullnames', $this->context);
        return array_map(fn(\stdClass $user): string => fullname($user, $full), array_diff_key($found, $leaders));
    }
}
