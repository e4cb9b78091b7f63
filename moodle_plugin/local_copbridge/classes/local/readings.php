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
 * Readings of the wire: state as the database has it now, read in bulk.
 *
 * Names are told as they are stored: without filters, without HTML entities. Everything is read from the primary
 * database: a replica may lag behind, and a reading claims to know all that happened before its moment.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class readings {
    /** @var int How many ids a query is given at most. */
    public const CHUNK = 1000;

    /** @var readings_content */
    private readings_content $content;

    /** @var readings_people */
    private readings_people $people;

    /** @var readings_completions */
    private readings_completions $completions;

    /**
     * Readings with some custom fields.
     *
     * @param string[] $profilefields short names of the profile fields that are handed over
     * @param string[] $coursefields short names of the course fields that are handed over
     */
    public function __construct(array $profilefields, array $coursefields) {
        $this->content = new readings_content($coursefields);
        $this->people = new readings_people($profilefields);
        $this->completions = new readings_completions();
    }

    /**
     * Readings with the custom fields that the administrator named.
     *
     * @return self
     */
    public static function configured(): self {
        return new self(settings::profile_fields(), settings::course_fields());
    }

    /**
     * Courses; one that isn't there is told as gone.
     *
     * @param int[] $ids
     * @return array[] in the order of the ids
     */
    public function courses(array $ids): array {
        return primary::read(fn(): array => $this->content->courses($ids));
    }

    /**
     * Activities; one that isn't there is told as gone.
     *
     * @param int[] $courses ids of courses by the ids of their course modules: what is gone doesn't tell its course
     * @return array[] in the order of the ids
     */
    public function modules(array $courses): array {
        return primary::read(fn(): array => $this->content->modules($courses));
    }

    /**
     * All activities of a course.
     *
     * @param int $courseid
     * @return array[] by id
     */
    public function course_modules(int $courseid): array {
        return primary::read(fn(): array => $this->content->course_modules($courseid));
    }

    /**
     * Accounts; one that is deleted is told as gone.
     *
     * @param int[] $userids
     * @return array[] in the order of the ids
     */
    public function accounts(array $userids): array {
        return primary::read(fn(): array => $this->people->accounts($userids));
    }

    /**
     * How users take part in courses.
     *
     * @param array[] $pairs course id and user id of each
     * @return array[] course by course
     */
    public function enrolments(array $pairs): array {
        return primary::read(fn(): array => $this->people->enrolments($pairs));
    }

    /**
     * Rows of completion; one that isn't there is told as gone.
     *
     * @param array[] $triples course id, user id and course module id of each
     * @return array[] user by user
     */
    public function completions(array $triples): array {
        return primary::read(fn(): array => $this->completions->completions($triples));
    }
}
