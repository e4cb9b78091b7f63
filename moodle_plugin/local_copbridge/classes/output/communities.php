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

use core\output\named_templatable;
use core\output\renderable;
use core\output\renderer_base;
use local_copbridge\local\navigation;
use local_copbridge\local\standings;
use local_copbridge\local\words;

/**
 * The reader's communities, for who comes without saying which.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class communities implements named_templatable, renderable {
    #[\Override]
    public function get_template_name(renderer_base $renderer): string {
        return 'local_copbridge/communities';
    }

    /**
     * What the template needs.
     *
     * @param renderer_base $output
     * @return array
     */
    public function export_for_template(renderer_base $output): array {
        $rows = array_values(array_map(self::row(...), navigation::own()));
        return ['has' => (bool) $rows, 'rows' => $rows];
    }

    /**
     * One community.
     *
     * @param \stdClass $course
     * @return array
     */
    private static function row(\stdClass $course): array {
        global $USER;
        $told = standings::course((int) $course->id);
        $standing = standings::of((int) $course->id, (int) $USER->id);
        $state = '';
        if ($standing !== null) {
            $words = words::of_course($told);
            $state = (new bar($standing, $words, true))->total() . ' · ' . $words->status($standing->status);
        }
        return [
            'name' => $told ? s($told->community)
                : format_string($course->fullname, true, ['context' => \context_course::instance($course->id)]),
            'url' => navigation::hours_url((int) $course->id)->out(false),
            'state' => $state,
        ];
    }
}
