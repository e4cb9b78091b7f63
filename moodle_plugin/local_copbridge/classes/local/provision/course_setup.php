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

use local_copbridge\local\hours;
use local_copbridge\local\plain;
use local_copbridge\local\section_names;

/**
 * How a course is set up: all that a description can say of it, in the words of the functions that write it.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class course_setup {
    /** @var \course_modinfo sections and activities, nobody's in particular */
    private readonly \course_modinfo $modinfo;

    /** @var \cm_info[] activities in the course's order, by id */
    private readonly array $activities;

    /** @var restrictions */
    private readonly restrictions $restrictions;

    /**
     * Of one course.
     *
     * @param \stdClass $course
     */
    public function __construct(
        /** @var \stdClass the course */
        private readonly \stdClass $course
    ) {
        $this->modinfo = get_fast_modinfo($course->id, -1);
        $activities = [];
        foreach (array_merge(...array_values($this->modinfo->get_sections())) as $cmid) {
            $cm = $this->modinfo->get_cm($cmid);
            if (!$cm->deletioninprogress) {
                $activities[(int) $cmid] = $cm;
            }
        }
        $this->activities = $activities;
        $this->restrictions = new restrictions((int) $course->id, $activities);
    }

    /**
     * All of it.
     *
     * @return array
     */
    public function told(): array {
        return [
            'course' => $this->course(),
            'sections' => $this->sections(),
            'activities' => $this->activities(),
            'groups' => $this->groups(),
            'groupings' => $this->groupings(),
            'enrolments' => $this->enrolments(),
            'criteria' => $this->restrictions->criteria(),
            'participants' => $this->participants(),
        ];
    }

    /**
     * The course itself.
     *
     * @return array
     */
    private function course(): array {
        global $DB;
        $course = $this->course;
        $original = (int) $course->originalcourseid;
        $there = $original && $original !== (int) $course->id && $DB->record_exists('course', ['id' => $original]);
        return [
            'id' => (int) $course->id,
            'fullname' => $course->fullname,
            'shortname' => $course->shortname,
            'idnumber' => (string) $course->idnumber,
            'category' => (int) $course->category,
            'visible' => (bool) $course->visible,
            'startdate' => (int) $course->startdate,
            'enddate' => (int) $course->enddate,
            'format' => $course->format,
            'enablecompletion' => (bool) $course->enablecompletion,
            'groupmode' => (int) $course->groupmode,
            'timecreated' => (int) $course->timecreated,
            'copy_of' => $there ? $original : null,
            'fields' => (object) (new course_fields($course))->values(),
        ];
    }

    /**
     * The sections, by their numbers.
     *
     * @return array[]
     */
    private function sections(): array {
        $sections = $this->modinfo->get_section_info_all();
        $names = section_names::of(array_map(fn(\section_info $section): \stdClass => (object) [
            'course' => $this->course->id, 'section' => $section->section, 'sectionname' => $section->name,
        ], $sections));
        return array_values(array_map(fn(\section_info $section): array => [
            'number' => (int) $section->section,
            'name' => $names[$section->section],
            'named' => (string) $section->name !== '',
            'visible' => (bool) $section->visible,
            'summary' => restrictions::hash((string) $section->summary),
            'availability' => $this->restrictions->of((string) $section->availability),
            'component' => (string) $section->component,
        ], $sections));
    }

    /**
     * The activities.
     *
     * @return array[]
     */
    private function activities(): array {
        $hours = hours::of_course((int) $this->course->id);
        $told = [];
        foreach ($this->activities as $cmid => $cm) {
            $shown = $this->modinfo->get_section_info($cm->sectionnum)->visible;
            [$completion, $further] = completion_rules::told($cm);
            $told[] = [
                'cmid' => $cmid,
                'idnumber' => (string) $cm->idnumber,
                'modname' => $cm->modname,
                'name' => (string) $cm->name,
                'section' => (int) $cm->sectionnum,
                'visible' => (bool) ($shown ? $cm->visible : $cm->visibleold),
                'minutes' => isset($hours[$cmid]) ? (int) $hours[$cmid]->minutes : null,
                'component' => $hours[$cmid]->component ?? '',
                'completion' => $completion,
                'further' => $further,
                'availability' => $this->restrictions->of((string) $cm->availability),
            ];
        }
        return $told;
    }

    /**
     * The groups, with the number of their members.
     *
     * @return array[]
     */
    private function groups(): array {
        global $DB;
        $rows = $DB->get_records_sql(
            'SELECT g.id, g.idnumber, g.name, COUNT(m.id) AS members
               FROM {groups} g
          LEFT JOIN {groups_members} m ON m.groupid = g.id
              WHERE g.courseid = ?
           GROUP BY g.id, g.idnumber, g.name
           ORDER BY g.id',
            [$this->course->id]
        );
        return array_map(static fn(\stdClass $row): array => [
            'id' => (int) $row->id, 'idnumber' => (string) $row->idnumber, 'name' => $row->name, 'members' => (int) $row->members,
        ], array_values($rows));
    }

    /**
     * The groupings.
     *
     * @return array[]
     */
    private function groupings(): array {
        global $DB;
        $rows = $DB->get_recordset_sql(
            'SELECT g.id, g.idnumber, g.name, x.groupid
               FROM {groupings} g
          LEFT JOIN {groupings_groups} x ON x.groupingid = g.id
              WHERE g.courseid = ?
           ORDER BY g.id, x.groupid',
            [$this->course->id]
        );
        $told = [];
        foreach ($rows as $row) {
            $told[$row->id] ??= [
                'id' => (int) $row->id, 'idnumber' => (string) $row->idnumber, 'name' => $row->name, 'groups' => [],
            ];
            if ($row->groupid !== null) {
                $told[$row->id]['groups'][] = (int) $row->groupid;
            }
        }
        $rows->close();
        return array_values($told);
    }

    /**
     * The enrolment methods, in the course's order.
     *
     * @return array[]
     */
    private function enrolments(): array {
        global $DB;
        $rows = $DB->get_records_sql(
            "SELECT e.id, e.enrol, e.status, e.customint1, e.customint2, r.shortname, k.idnumber
               FROM {enrol} e
          LEFT JOIN {role} r ON r.id = e.roleid
          LEFT JOIN {cohort} k ON e.enrol = 'cohort' AND k.id = e.customint1
              WHERE e.courseid = ?
           ORDER BY e.sortorder, e.id",
            [$this->course->id]
        );
        return array_map(static function (\stdClass $row): array {
            $cohort = $row->enrol === 'cohort';
            $idnumber = (string) $row->idnumber;
            return [
                'id' => (int) $row->id,
                'method' => $row->enrol,
                'enabled' => (int) $row->status === ENROL_INSTANCE_ENABLED,
                'role' => (string) $row->shortname,
                'cohort' => $cohort ? ($idnumber === '' ? (string) $row->customint1 : $idnumber) : '',
                'cohortid' => $cohort ? (int) $row->customint1 : 0,
                'group' => $cohort ? max(0, (int) $row->customint2) : 0,
            ];
        }, array_values($rows));
    }

    /**
     * How many people have an enrolment that is in force.
     *
     * @return int
     */
    private function participants(): int {
        global $DB;
        $now = \core\di::get(\core\clock::class)->time();
        return $DB->count_records_sql(
            'SELECT COUNT(DISTINCT ue.userid)
               FROM {user_enrolments} ue
               JOIN {enrol} e ON e.id = ue.enrolid
               JOIN {user} u ON u.id = ue.userid
              WHERE e.courseid = :course AND e.status = :on AND ue.status = :active AND u.deleted = 0
                    AND ue.timestart <= :begun AND (ue.timeend = 0 OR ue.timeend > :now)',
            [
                'course' => $this->course->id, 'on' => ENROL_INSTANCE_ENABLED, 'active' => ENROL_USER_ACTIVE,
                'begun' => $now, 'now' => $now,
            ]
        );
    }
}
