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

namespace local_copbridge\local\provision;

use core_courseformat\formatactions;

defined('MOODLE_INTERNAL') || die();

global $CFG;
require_once($CFG->dirroot . '/course/lib.php');

/**
 * The sections of a course, by their numbers.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class sections {
    /**
     * For one course.
     *
     * @param \stdClass $course
     */
    public function __construct(
        /** @var \stdClass the course */
        private readonly \stdClass $course
    ) {
    }

    /**
     * A section that belongs to the course itself, made where it is missing (with those before it).
     *
     * @param int $number
     * @return \section_info
     */
    public function regular(int $number): \section_info {
        $found = $this->find($number);
        if ($found) {
            return $found;
        }
        $limit = course_get_format($this->course)->get_max_sections();
        if ($number < 0 || $number > $limit) {
            throw new problem('section', ['number' => $number, 'limit' => $limit]);
        }
        formatactions::section($this->course)->create_if_missing(range(0, $number));
        return $this->find($number) ?? throw new problem('section', ['number' => $number, 'limit' => $limit]);
    }

    /**
     * A section that belongs to the course itself, and not to an activity (a subsection).
     *
     * @param int $number
     * @return \section_info|null
     */
    private function find(int $number): ?\section_info {
        $section = get_fast_modinfo($this->course->id)->get_section_info($number, IGNORE_MISSING);
        return $section && empty($section->component) ? $section : null;
    }

    /**
     * Sets one section.
     *
     * @param array $wanted number, name, and where they are to be set summary and visible
     * @return string created, changed or unchanged
     */
    public function set(array $wanted): string {
        $name = description::name($wanted['name'], false);
        $there = $this->find($wanted['number']) !== null;
        $section = $this->regular($wanted['number']);
        $fields = [];
        if ((string) $section->name !== $name) {
            $fields['name'] = $name === '' ? null : $name;
        }
        if (isset($wanted['summary']) && (string) $section->summary !== $wanted['summary']) {
            $fields += ['summary' => $wanted['summary'], 'summaryformat' => FORMAT_HTML];
        }
        if (isset($wanted['visible']) && (bool) $section->visible !== $wanted['visible']) {
            if ($wanted['number'] === 0) {
                throw new problem('sectionzero');
            }
            $fields['visible'] = (int) $wanted['visible'];
        }
        if ($fields) {
            formatactions::section($this->course)->update($section, $fields);
        }
        return $there ? ($fields ? 'changed' : 'unchanged') : 'created';
    }
}
