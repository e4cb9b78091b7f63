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

namespace local_copbridge\output\status;

use core\output\paging_bar;
use local_copbridge\local\comparisons;
use local_copbridge\local\words;

/**
 * What the service's comparisons found, course by course.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class courses {
    /** @var int rows on a page */
    public const PAGE = 50;

    /** @var \stdClass[] all courses in scope */
    private readonly array $all;

    /**
     * One page.
     *
     * @param int $page
     * @param \moodle_url $url
     */
    public function __construct(
        /** @var int which page, from 0 */
        private readonly int $page,
        /** @var \moodle_url the page's address */
        private readonly \moodle_url $url,
    ) {
        $this->all = comparisons::all();
    }

    /**
     * How many courses are in scope.
     *
     * @return int
     */
    public function count(): int {
        return count($this->all);
    }

    /**
     * What the template needs.
     *
     * @param \renderer_base $output
     * @return array
     */
    public function data(\renderer_base $output): array {
        $count = $this->count();
        $page = max(0, min($this->page, intdiv(max($count - 1, 0), self::PAGE)));
        $rows = array_slice($this->all, $page * self::PAGE, self::PAGE);
        $names = self::names(array_column($rows, 'courseid'));
        return [
            'has' => (bool) $rows,
            'rows' => array_map(static fn(\stdClass $one): array => [
                'course' => self::link($one->courseid, $names),
                'swept' => $one->told ? times::ago($one->swept) : get_string('admin_course_untold', 'local_copbridge'),
                'drift' => $one->swept ? (string) $one->drift : '–',
                'differs' => $one->drift > 0,
            ], $rows),
            'paging' => $count > self::PAGE
                ? $output->render(new paging_bar($count, $page, self::PAGE, $this->url, 'courses'))
                : '',
        ];
    }

    /**
     * The names of courses.
     *
     * @param int[] $ids
     * @return string[] HTML by id; without those that are gone
     */
    public static function names(array $ids): array {
        global $DB;
        $ids = array_unique(array_filter($ids));
        if (!$ids) {
            return [];
        }
        [$in, $params] = $DB->get_in_or_equal($ids);
        $names = [];
        foreach ($DB->get_records_select_menu('course', "id $in", $params, '', 'id, fullname') as $id => $name) {
            $names[$id] = format_string($name, true, ['context' => \context_course::instance($id)]);
        }
        return $names;
    }

    /**
     * A course as a link.
     *
     * @param int $courseid 0: none
     * @param string[] $names HTML by id
     * @return string HTML
     */
    public static function link(int $courseid, array $names): string {
        if ($courseid === 0) {
            return '';
        }
        if (!isset($names[$courseid])) {
            return get_string('admin_course_gone', 'local_copbridge', $courseid);
        }
        return \html_writer::link(new \moodle_url('/course/view.php', ['id' => $courseid]), $names[$courseid]);
    }
}
